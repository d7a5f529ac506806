// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.Memory;
using KvmActors.Cpu.State;
using KvmActors.Cpu.Tests.Execute;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace KvmActors.Cpu.Tests.Memory;

public sealed class GuestMemoryTests
{
    [Theory]
    [InlineData(0ul)]
    [InlineData(4095ul)]
    [InlineData(1ul << 41)]
    public void A_size_that_is_no_number_of_pages_is_refused(ulong sizeBytes) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new GuestMemory(sizeBytes));

    [Fact]
    public void Accesses_outside_of_memory_are_refused_and_write_nothing()
    {
        using GuestMemory memory = new(8192);

        Assert.Throws<ArgumentOutOfRangeException>(() => memory.Write(new Gpa(8190), [1, 2, 3]));
        Assert.Throws<ArgumentOutOfRangeException>(() => memory.Read(new Gpa(ulong.MaxValue), new byte[2]));
        Assert.Throws<ArgumentOutOfRangeException>(() => memory.Page(2));
        Assert.Throws<ArgumentOutOfRangeException>(() => memory.IsZero(-1));
        Assert.True(memory.IsZero(0));
        Assert.True(memory.IsZero(1));
    }

    [Fact]
    public void What_is_above_3_GiB_lies_from_4_GiB_on()
    {
        using GuestMemory memory = new((3ul << 30) + 8192);

        Assert.Equal((4ul << 30) + 8192, memory.End);
        Assert.Throws<ArgumentOutOfRangeException>(() => memory.Write(new Gpa((3ul << 30) - 1), [1, 2]));
        Assert.Throws<ArgumentOutOfRangeException>(() => memory.Write(new Gpa((4ul << 30) - 1), [1, 2]));
        Assert.Throws<ArgumentOutOfRangeException>(() => memory.Write(new Gpa(memory.End - 1), [1, 2]));
        memory.Write(new Gpa((4ul << 30) + 4095), [1, 2]);
        Assert.Equal([1 << 20, (1 << 20) + 1], memory.TakeDirty(DirtyReader.Snapshot).ToArray());
        Assert.True(memory.IsZero(3 << 18));
        Assert.False(memory.IsZero(1 << 20));
        Assert.Equal(1ul, memory.RamFrom(new Gpa((3ul << 30) - 1)));
        Assert.Equal(0ul, memory.RamFrom(new Gpa(3ul << 30)));
        Assert.Equal(8192ul, memory.RamFrom(new Gpa(4ul << 30)));
        Assert.Equal(0ul, memory.RamFrom(new Gpa(memory.End)));
    }

    [Fact]
    public void A_guest_reads_ones_between_3_and_4_GiB_and_its_memory_behind()
    {
        const ulong Value = 0x1122_3344_5566_7788;
        const ulong Page = 0x180;
        using var guest = TestGuest.Long(
            a =>
            {
                a.mov(__qword_ptr[rbx], rax);
                a.mov(rcx, __qword_ptr[rbx]);
                a.mov(__qword_ptr[rbx + 4096], rax);
                a.mov(rdx, __qword_ptr[rbx + 4096]);
                a.hlt();
            },
            memoryBytes: (3ul << 30) + 4096);
        GuestTables.SetPage(guest.Memory, Page, (3ul << 30) | 3);
        GuestTables.SetPage(guest.Memory, Page + 1, (4ul << 30) | 3);
        guest[Gpr.Rax] = Value;
        guest[Gpr.Rbx] = Page << 12;

        Assert.IsType<VmExit.Halted>(guest.Run());
        Assert.Equal(ulong.MaxValue, guest[Gpr.Rcx]);
        Assert.Equal(Value, guest[Gpr.Rdx]);
        Assert.Equal(Value, BitConverter.ToUInt64(guest.Memory.Page(1 << 20)));
        Assert.Contains(1 << 20, guest.Memory.TakeDirty(DirtyReader.Snapshot));
        Assert.True(guest.Memory.IsZero(3 << 18));
    }

    [Fact]
    public void Copies_of_pages_stay_as_the_pages_were_and_a_page_of_zeros_has_no_bytes()
    {
        using GuestMemory memory = new(600 * 4096);
        for (int page = 1; page < memory.PageCount; page++)
        {
            memory.Write(new Gpa((ulong)page * 4096), BitConverter.GetBytes(page));
        }

        PageCopies copies = new(memory);
        ReadOnlyMemory<byte>[] all = [.. Enumerable.Range(0, memory.PageCount).Select(copies.Of)];
        for (int page = 0; page < memory.PageCount; page++)
        {
            memory.Write(new Gpa((ulong)page * 4096), [0xFF, 0xFF, 0xFF, 0xFF]);
        }

        Assert.True(all[0].IsEmpty);
        Assert.All(
            Enumerable.Range(1, memory.PageCount - 1),
            page => Assert.Equal(page, BitConverter.ToInt32(all[page].Span)));
        Assert.All(all.Skip(1), copy => Assert.Equal(4096, copy.Length));
        Assert.Equal(all[7], copies.Of(7));
        Assert.Throws<ArgumentOutOfRangeException>(() => copies.Of(memory.PageCount));
    }

    [Fact]
    public void Each_reader_takes_the_dirty_log_for_itself()
    {
        using GuestMemory memory = new(64 * 4096);
        memory.Write(new Gpa(4095), [1, 2]);
        memory.Write(new Gpa(63 * 4096), [1]);

        Assert.Equal([0, 1, 63], memory.TakeDirty(DirtyReader.Hash).ToArray());
        Assert.Empty(memory.TakeDirty(DirtyReader.Hash).ToArray());
        memory.Write(new Gpa(5 * 4096), [0]);
        Assert.Equal([5], memory.TakeDirty(DirtyReader.Hash).ToArray());
        Assert.Equal([0, 1, 5, 63], memory.TakeDirty(DirtyReader.Migration).ToArray());
        Assert.Equal([0, 1, 5, 63], memory.TakeDirty(DirtyReader.Snapshot).ToArray());
    }

    [Fact]
    public void A_guest_store_is_in_the_log_again_after_each_take()
    {
        using var guest = TestGuest.Long(a =>
        {
            Label again = a.CreateLabel();
            a.Label(ref again);
            a.inc(__qword_ptr[rbx]);
            a.jmp(again);
        });
        guest[Gpr.Rbx] = TestGuest.DataStart;
        const int DataPage = (int)(TestGuest.DataStart >> 12);
        guest.Run(budget: 10);
        guest.Memory.TakeDirty(DirtyReader.Migration);

        guest.Run(budget: 10);

        Assert.Equal([DataPage], guest.Memory.TakeDirty(DirtyReader.Migration).ToArray());
        Assert.Empty(guest.Memory.TakeDirty(DirtyReader.Migration).ToArray());
        guest.Run(budget: 10);
        Assert.Equal([DataPage], guest.Memory.TakeDirty(DirtyReader.Migration).ToArray());
    }

    [Fact]
    public void The_log_is_exactly_what_changed_in_a_random_program()
    {
        const int Seed = 11;
        Random random = new(Seed);
        using var guest = TestGuest.Long(a =>
        {
            for (int store = 0; store < 200; store++)
            {
                a.mov(__qword_ptr[TestGuest.DataStart + (ulong)random.Next(0x10_0000)], rax);
            }

            a.hlt();
        });
        guest[Gpr.Rax] = 0xA5A5_A5A5_A5A5_A5A5;
        guest.Memory.TakeDirty(DirtyReader.Snapshot);
        byte[] before = Copy(guest.Memory);

        guest.Run();

        byte[] after = Copy(guest.Memory);
        int[] changed =
        [
            .. Enumerable.Range(0, guest.Memory.PageCount).Where(page =>
                !before.AsSpan(page * 4096, 4096).SequenceEqual(after.AsSpan(page * 4096, 4096))),
        ];
        Assert.Equal(changed, guest.Memory.TakeDirty(DirtyReader.Snapshot).ToArray());
    }

    [Fact]
    public void Memory_beyond_RAM_reads_as_ones_and_ignores_writes()
    {
        using var guest = TestGuest.Long(a =>
        {
            a.mov(__qword_ptr[rbx], rax);
            a.mov(rcx, __qword_ptr[rbx]);
            a.mov(rdx, __qword_ptr[rbx - 4]);
            a.hlt();
        });
        guest[Gpr.Rbx] = guest.Memory.SizeBytes;

        Assert.IsType<VmExit.Halted>(guest.Run());
        Assert.Equal(ulong.MaxValue, guest[Gpr.Rcx]);
        Assert.Equal(0xFFFF_FFFF_0000_0000ul, guest[Gpr.Rdx]);
    }

    [Fact]
    public void A_write_in_the_guest_s_name_is_the_guest_s_own_store()
    {
        using var guest = TestGuest.Long(a => a.hlt(), privilege: 3);
        GuestTables.SetPage(guest.Memory, 0x61, 0x6_1005);

        GuestAccess refused = guest.Vcpu.WriteAsGuest(new Gva(0x6_0FFE), [1, 2, 3]);
        Assert.Equal(new GuestFault(Vector: 14, ErrorCode: 7, Cr2: 0x6_1000), refused.Fault);
        Assert.Equal(0ul, guest.Read64(0x6_0FF8));

        guest.Memory.TakeDirty(DirtyReader.Migration);
        GuestAccess written = guest.Vcpu.WriteAsGuest(new Gva(0x6_0FFD), [1, 2, 3]);
        Assert.True(written.Succeeded);
        Assert.Equal(new Gpa(0x6_0FFD), written.Gpa);
        Assert.Contains(0x60, guest.Memory.TakeDirty(DirtyReader.Migration));
        Assert.Equal(0x0302_0100_0000_0000ul, guest.Read64(0x6_0FF8));

        byte[] code = new byte[4];
        GuestAccess missing = guest.Vcpu.ReadCode(new Gva(0x50_0000_0000), code);
        Assert.Equal(new GuestFault(Vector: 14, ErrorCode: 0x14, Cr2: 0x50_0000_0000), missing.Fault);
        GuestAccess nowhere = guest.Vcpu.ReadCode(new Gva(0x8000_0000_0000), code);
        Assert.Equal(new GuestFault(Vector: 13, ErrorCode: 0, Cr2: null), nowhere.Fault);
    }

    private static byte[] Copy(GuestMemory memory)
    {
        byte[] all = new byte[memory.SizeBytes];
        memory.Read(new Gpa(0), all);
        return all;
    }
}
