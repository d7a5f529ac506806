// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.State;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace KvmActors.Cpu.Tests.Execute;

/// <summary>Process-context identifiers: CR4.PCIDE, CR3 with an identifier, INVPCID.</summary>
/// <remarks>Source: Intel SDM vol. 3A, section 5.10.1 "Process-Context Identifiers (PCIDs)"; vol. 2A, "INVPCID".
/// </remarks>
public sealed class ProcessContextTests
{
    private const ulong Pcide = 1ul << 17;
    private const ulong KeepTranslations = 1ul << 63;
    private const ulong Page = 0x60;
    private const ulong PageAddress = Page << 12;
    private const ulong Entry = GuestTables.PageTableOfFirst2M + (Page * 8);
    private const ulong Descriptor = TestGuest.DataStart;

    [Theory]
    [InlineData(0x10_0000ul, 0xD01ul, true)]
    [InlineData(0x10_0008ul, 0xD01ul, false)]
    [InlineData(0x10_0001ul, 0xD01ul, false)]
    [InlineData(0x10_0000ul, 0x801ul, false)]
    public void PCIDE_can_be_set_in_long_mode_with_a_context_of_0_only(ulong cr3, ulong efer, bool isAllowed)
    {
        bool isLong = (efer & 0x400) != 0;
        using TestGuest guest = isLong ? TestGuest.Long(SetFromRax) : TestGuest.Protected(a =>
        {
            a.mov(cr4, eax);
            a.hlt();
        });
        guest.Change(state => state with { Cr3 = cr3, Efer = isLong ? efer : 0 });
        guest[Gpr.Rax] = guest.Vcpu.Save().Cr4 | Pcide;

        VmExit exit = guest.Run();

        Assert.True(exit is VmExit.Halted, exit.ToString());
        Assert.Equal(isAllowed ? Pcide : 0, guest.Vcpu.Save().Cr4 & Pcide);
        Assert.Equal(!isAllowed, IsInHandler(guest, 13));

        static void SetFromRax(Assembler a)
        {
            a.mov(cr4, rax);
            a.hlt();
        }
    }

    [Fact]
    public void Paging_cannot_be_left_while_PCIDE_is_set()
    {
        using var guest = TestGuest.Long(a => a.mov(cr0, rax));
        Enable(guest);
        GuestTables.SetPage(guest.Memory, TestGuest.CodeStart >> 12, TestGuest.CodeStart | 7);
        guest.Change(state => state with
        {
            Segments = state.Segments.SetItem((int)SegmentName.Cs, GuestTables.Code32(dpl: 0)),
        });
        guest.Memory.Write(new Gpa(TestGuest.CodeStart), [0x0F, 0x22, 0xC0]);
        guest[Gpr.Rax] = 0x11;

        Assert.IsType<VmExit.Halted>(guest.Run());
        Assert.True(IsInHandler(guest, 13));
        Assert.Equal(0x8001_0011ul, guest.Vcpu.Save().Cr0);
    }

    [Theory]
    [InlineData(true, 0x10_0ABCul | KeepTranslations, 0x10_0ABCul)]
    [InlineData(true, 0x10_0123ul, 0x10_0123ul)]
    [InlineData(false, 0x10_0000ul | KeepTranslations, null)]
    [InlineData(true, 0x10_0000ul | (1ul << 62), null)]
    public void CR3_takes_a_context_and_bit_63_is_not_kept(bool isEnabled, ulong value, ulong? expected)
    {
        using var guest = TestGuest.Long(a =>
        {
            a.mov(cr3, rax);
            a.mov(rbx, cr3);
            a.hlt();
        });
        if (isEnabled)
        {
            Enable(guest);
        }

        guest[Gpr.Rax] = value;

        Assert.IsType<VmExit.Halted>(guest.Run());
        Assert.Equal(expected is null, IsInHandler(guest, 13));
        Assert.Equal(expected ?? 0, guest[Gpr.Rbx]);
        Assert.Equal(expected ?? GuestTables.PageMapLevel4, guest.Vcpu.Save().Cr3);
    }

    [Fact]
    public void Each_type_drops_a_translation_of_the_present_context()
    {
        for (ulong type = 0; type <= 3; type++)
        {
            using var guest = TestGuest.Long(a =>
            {
                a.mov(rcx, __qword_ptr[rbx]);
                a.mov(__qword_ptr[Entry], rdx);
                a.invpcid(rax, __[rsi]);
                a.mov(rcx, __qword_ptr[rbx]);
                a.hlt();
            });
            Enable(guest);
            guest.Change(state => state with { Cr3 = state.Cr3 | 5 });
            guest.Write64(PageAddress, 1);
            guest.Write64(0x6_8000, 2);
            guest.Write64(Descriptor, 5);
            guest.Write64(Descriptor + 8, PageAddress);
            guest[Gpr.Rax] = type;
            guest[Gpr.Rbx] = PageAddress;
            guest[Gpr.Rdx] = 0x6_8007;
            guest[Gpr.Rsi] = Descriptor;

            Assert.IsType<VmExit.Halted>(guest.Run());
            Assert.Equal(2ul, guest[Gpr.Rcx]);
        }
    }

    [Theory]
    [InlineData(4, 0, 0, true, 0)]
    [InlineData(2, 0x1000, 0, true, 0)]
    [InlineData(0, 1, 0, false, 0)]
    [InlineData(1, 1, 0, false, 0)]
    [InlineData(0, 1, 1ul << 47, true, 0)]
    [InlineData(0, 0, 0, true, 3)]
    public void INVPCID_refuses_what_it_does_not_know(
        ulong type, ulong context, ulong linear, bool isEnabled, int privilege)
    {
        using var guest = TestGuest.Long(a => a.invpcid(rax, __[rsi]), privilege);
        if (isEnabled)
        {
            Enable(guest);
        }

        guest.Write64(Descriptor, context);
        guest.Write64(Descriptor + 8, linear);
        guest[Gpr.Rax] = type;
        guest[Gpr.Rsi] = Descriptor;

        Assert.IsType<VmExit.Halted>(guest.Run());
        Assert.True(IsInHandler(guest, 13));
    }

    [Fact]
    public void INVPCID_faults_as_a_load_of_16_bytes_does()
    {
        using var guest = TestGuest.Long(a => a.invpcid(rax, __[rsi]));
        GuestTables.SetPage(guest.Memory, Page + 1, 0);
        guest[Gpr.Rax] = 3;
        guest[Gpr.Rsi] = PageAddress + 0xFF8;

        Assert.IsType<VmExit.Halted>(guest.Run());
        Assert.True(IsInHandler(guest, 14));
        Assert.Equal(PageAddress + 0x1000, guest.Vcpu.Save().Cr2);
    }

    private static void Enable(TestGuest guest) => guest.Change(state => state with { Cr4 = state.Cr4 | Pcide });

    private static bool IsInHandler(TestGuest guest, int vector) =>
        guest.Vcpu.Rip == GuestTables.HandlerOf(vector) + 1;
}
