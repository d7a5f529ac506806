// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.Memory;
using KvmActors.Cpu.State;
using KvmActors.Cpu.Tests.Execute;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace KvmActors.Cpu.Tests.Memory;

/// <summary>A guest that changes its page tables and flushes nothing finds the change at once, so that a vCPU that was
/// saved and restored, whose TLB is empty, does the same as one that was not.</summary>
public sealed class CachedTranslationTests
{
    private const ulong Page = 0x6_0000;
    private const ulong Other = 0x6_1000;
    private const ulong Accessed = 0x20;
    private const ulong Dirty = 0x40;

    private static ulong EntryOf(ulong linear) => GuestTables.PageTableOfFirst2M + (linear >> 12 << 3);

    [Fact]
    public void A_page_that_is_mapped_elsewhere_is_elsewhere_for_the_next_instruction()
    {
        using var guest = TestGuest.Long(a =>
        {
            a.mov(rax, __[Page]);
            a.mov(rcx, Other | 7);
            a.mov(__[EntryOf(Page)], rcx);
            a.mov(rbx, __[Page]);
            a.hlt();
        });
        guest.Write64(Page, 1);
        guest.Write64(Other, 2);

        _ = Assert.IsType<VmExit.Halted>(guest.Run());

        Assert.Equal((1ul, 2ul), (guest[Gpr.Rax], guest[Gpr.Rbx]));
    }

    [Fact]
    public void An_accessed_bit_that_was_cleared_is_set_by_the_next_access()
    {
        using var guest = TestGuest.Long(a =>
        {
            a.mov(__[Page], rax);
            a.mov(rbx, __[EntryOf(Page)]);
            a.mov(ecx, (uint)Page | 7);
            a.mov(__[EntryOf(Page)], rcx);
            a.mov(rax, __[Page]);
            a.hlt();
        });

        _ = Assert.IsType<VmExit.Halted>(guest.Run());

        Assert.Equal(Page | 7 | Accessed | Dirty, guest[Gpr.Rbx]);
        Assert.Equal(Page | 7 | Accessed, guest.Read64(EntryOf(Page)));
    }

    [Theory]
    [InlineData(null)]
    [InlineData(1)]
    public void What_a_supervisor_reaches_with_AC_it_does_not_reach_without(int? hotEntries)
    {
        const ulong AccessPrevention = 1ul << 21;
        using var guest = TestGuest.LongWith(hotEntries);
        Assembler program = new(64);
        program.stac();
        program.mov(rax, __[Page]);
        program.mov(__[Page], rax);
        program.mov(rbx, __[Page]);
        program.clac();
        program.mov(rcx, __[Other]);
        program.mov(rdx, __[Page]);
        program.hlt();
        guest.Put(program, TestGuest.CodeStart);
        for (ulong page = 0; page < 512; page++)
        {
            // All pages of the first 2 MiB are the supervisor's, but one.
            GuestTables.SetPage(guest.Memory, page, (page << 12) | (page == Page >> 12 ? 7u : 3u));
        }

        guest.Change(state => state with { Cr4 = state.Cr4 | AccessPrevention });
        guest.Write64(Page, 0x11);
        guest.Write64(Other, 0x22);

        _ = Assert.IsType<VmExit.Halted>(guest.Run());

        Assert.Equal((0x11ul, 0x11ul, 0x22ul), (guest[Gpr.Rax], guest[Gpr.Rbx], guest[Gpr.Rcx]));
        Assert.Equal(Page, guest.Vcpu.Save().Cr2);
        Assert.Equal(1ul, guest.Read64(guest[Gpr.Rsp]));
    }

    [Theory]
    [InlineData(null)]
    [InlineData(1)]
    public void An_access_that_is_not_aligned_faults_before_its_page_is_marked(int? hotEntries)
    {
        const ulong AlignmentMask = 1ul << 18;
        const ulong AlignmentCheck = 1ul << 18;
        using var guest = TestGuest.LongWith(hotEntries, privilege: 3);
        Assembler program = new(64);
        program.mov(edi, (uint)Page + 1);
        program.mov(ecx, 1);
        program.mov(edx, 2);
        program.mov(ebx, 3);
        program.mov(esi, 4);
        program.mov(ebp, 5);
        program.mov(__dword_ptr[rdi], eax);
        program.hlt();
        guest.Put(program, TestGuest.CodeStart);
        guest.Change(state => state with
        {
            Cr0 = state.Cr0 | AlignmentMask,
            RFlags = state.RFlags | AlignmentCheck,
        });

        _ = Assert.IsType<VmExit.Halted>(guest.Run());

        Assert.Equal(GuestTables.HandlerOf(17) + 1, guest.Vcpu.Rip);
        Assert.Equal(Page | 7, guest.Read64(EntryOf(Page)));
    }

    [Fact]
    public void Code_that_maps_its_own_page_elsewhere_goes_on_there()
    {
        using var guest = TestGuest.Long(a =>
        {
            a.mov(ecx, (uint)Other | 7);
            a.mov(__[EntryOf(TestGuest.CodeStart)], rcx);
            a.mov(eax, 1);
            a.hlt();
        });

        // The same code with another number.
        byte[] code = guest.Memory.Page((int)(TestGuest.CodeStart / GuestMemory.PageBytes)).ToArray();
        int at = code.AsSpan().IndexOf((ReadOnlySpan<byte>)[0xB8, 1, 0, 0, 0]);
        code[at + 1] = 2;
        guest.Memory.Write(new Gpa(Other), code);

        _ = Assert.IsType<VmExit.Halted>(guest.Run());

        Assert.Equal(2ul, guest[Gpr.Rax]);
    }

    /// <summary>The return address becomes the entry of the code's own page. If it is even, the page is gone.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_call_whose_push_unmaps_its_own_page_faults_at_the_function(bool isEven)
    {
        Iced.Intel.Label function = default;
        using var guest = TestGuest.Long(a =>
        {
            function = a.CreateLabel();
            Iced.Intel.Label again = a.CreateLabel();
            Iced.Intel.Label start = a.CreateLabel();
            a.jmp(start);
            a.Label(ref function);
            a.inc(edi);
            a.ret();

            // Twice, so that the way from block to block is known the second time.
            a.Label(ref start);
            a.mov(edx, 2);
            if (isEven)
            {
                a.nop();
            }

            a.Label(ref again);
            a.dec(edx);
            a.cmove(rsp, rsi);
            a.call(function);
            a.jmp(again);
        });
        guest[Gpr.Rdi] = 0;
        guest[Gpr.Rsi] = EntryOf(TestGuest.CodeStart) + 8;

        _ = guest.Run(budget: 20);

        bool isLost = guest.Vcpu.Save().Cr2 / GuestMemory.PageBytes == TestGuest.CodeStart / GuestMemory.PageBytes;
        bool wasEven = (guest.Read64(EntryOf(TestGuest.CodeStart)) & 1) == 0;
        Assert.Equal(isEven, wasEven);
        Assert.Equal(isEven, isLost);
        Assert.Equal(isEven ? 1ul : 2ul, guest[Gpr.Rdi]);
    }

    [Fact]
    public void A_change_from_outside_of_the_vcpu_is_found_too()
    {
        using var guest = TestGuest.Long(a =>
        {
            a.mov(rax, __[Page]);
            a.nop();
            a.mov(rbx, __[Page]);
            a.hlt();
        });
        guest.Write64(Page, 1);
        guest.Write64(Other, 2);
        _ = guest.Run(budget: 2);
        guest.Memory.Write(new Gpa(EntryOf(Page)), BitConverter.GetBytes(Other | 7));

        _ = Assert.IsType<VmExit.Halted>(guest.Run());

        Assert.Equal((1ul, 2ul), (guest[Gpr.Rax], guest[Gpr.Rbx]));
    }
}
