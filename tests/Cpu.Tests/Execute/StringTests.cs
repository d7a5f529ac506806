// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.State;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace KvmActors.Cpu.Tests.Execute;

/// <summary>String instructions: counts, overlaps, directions, faults half-way.</summary>
public sealed class StringTests
{
    private const ulong Data = TestGuest.DataStart;

    [Theory]
    [InlineData(1)]
    [InlineData(8)]
    [InlineData(-8)]
    [InlineData(4000)]
    public void An_overlapping_move_copies_one_element_after_the_other(int distance)
    {
        using var guest = TestGuest.Long(a =>
        {
            a.rep.movsq();
            a.hlt();
        });
        byte[] expected = new byte[0x4000];
        new Random(7).NextBytes(expected);
        guest.Memory.Write(new Gpa(Data), expected);
        int from = 0x1000;
        int to = from + distance;
        for (int element = 0; element < 1000; element++)
        {
            expected.AsSpan(from + (element * 8), 8).ToArray().CopyTo(expected.AsSpan(to + (element * 8)));
        }

        guest[Gpr.Rsi] = Data + (ulong)from;
        guest[Gpr.Rdi] = Data + (ulong)to;
        guest[Gpr.Rcx] = 1000;
        guest.Run();

        byte[] found = new byte[0x4000];
        guest.Memory.Read(new Gpa(Data), found);
        Assert.Equal(expected, found);
        Assert.Equal(1001ul, guest.Vcpu.InstructionsRetired);
        Assert.Equal(0ul, guest[Gpr.Rcx]);
    }

    [Fact]
    public void A_repetition_of_zero_counts_one_and_does_nothing()
    {
        using var guest = TestGuest.Long(a =>
        {
            a.rep.stosb();
            a.hlt();
        });
        guest[Gpr.Rdi] = 0x50_0000_0000;

        Assert.IsType<VmExit.Halted>(guest.Run());
        Assert.Equal(2ul, guest.Vcpu.InstructionsRetired);
        Assert.Equal(0x50_0000_0000ul, guest[Gpr.Rdi]);
    }

    [Fact]
    public void A_fault_half_way_leaves_the_iterations_done_counted_and_in_the_registers()
    {
        using var guest = TestGuest.Long(a =>
        {
            a.rep.stosd();
            a.hlt();
        });
        GuestTables.SetPage(guest.Memory, 0x61, 0);
        guest[Gpr.Rdi] = 0x6_0FF0;
        guest[Gpr.Rcx] = 100;
        guest[Gpr.Rax] = 0x1122_3344;

        Assert.IsType<VmExit.Halted>(guest.Run());
        Assert.Equal(GuestTables.HandlerOf(14) + 1, guest.Vcpu.Rip);
        Assert.Equal(96ul, guest[Gpr.Rcx]);
        Assert.Equal(0x6_1000ul, guest[Gpr.Rdi]);
        Assert.Equal(5ul, guest.Vcpu.InstructionsRetired);
        Assert.Equal(TestGuest.CodeStart, guest.Read64(guest[Gpr.Rsp] + 8));
        Assert.Equal(0x1122_3344_1122_3344ul, guest.Read64(0x6_0FF8));
    }

    [Fact]
    public void Comparing_stops_at_the_first_difference_and_scanning_downwards_at_the_first_match()
    {
        using var guest = TestGuest.Long(a =>
        {
            a.repe.cmpsb();
            a.mov(rbx, rcx);
            a.std();
            a.mov(edi, (int)Data + 7);
            a.mov(ecx, 8);
            a.mov(al, 3);
            a.repne.scasb();
            a.hlt();
        });
        guest.Write64(Data, 0x0807_0605_0403_0201);
        guest.Write64(Data + 0x100, 0x0807_0600_0403_0201);
        guest[Gpr.Rsi] = Data;
        guest[Gpr.Rdi] = Data + 0x100;
        guest[Gpr.Rcx] = 8;

        Assert.IsType<VmExit.Halted>(guest.Run());
        Assert.Equal(3ul, guest[Gpr.Rbx]);
        Assert.Equal(2ul, guest[Gpr.Rcx]);
        Assert.Equal(Data + 1, guest[Gpr.Rdi]);
    }

    [Fact]
    public void A_16_bit_address_size_wraps_inside_its_segment()
    {
        using var guest = TestGuest.Real(a =>
        {
            a.mov(ax, 0x3000);
            a.mov(es, ax);
            a.mov(di, 0xFFFE);
            a.mov(cx, 2);
            a.mov(ax, 0x4142);
            a.rep.stosw();
            a.hlt();
        });

        Assert.IsType<VmExit.Halted>(guest.Run());
        Assert.Equal(0x4142ul, guest.Read64(0x3_0000) & 0xFFFF);
        Assert.Equal(0x4142ul, guest.Read64(0x3_FFFE) & 0xFFFF);
        Assert.Equal(2ul, guest[Gpr.Rdi]);
    }
}
