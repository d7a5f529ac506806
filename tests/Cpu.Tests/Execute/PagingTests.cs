// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.State;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace KvmActors.Cpu.Tests.Execute;

/// <summary>Reserved bits, large pages, global pages and execution prevention, in each form of paging.</summary>
/// <remarks>Source: Intel SDM vol. 3A, chapter 5 "Paging".</remarks>
public sealed class PagingTests
{
    private const ulong Tables = 0x30_0000;
    private const ulong Page = 0x60;
    private const ulong PageAddress = Page << 12;
    private const ulong PageTableEntry = GuestTables.PageTableOfFirst2M + (Page * 8);
    private const ulong PageGlobalEnable = 0x80;
    private const uint ReservedBit = 9;

    [Theory]
    [InlineData(0ul, null)]
    [InlineData(1ul << 12, null)]
    [InlineData(1ul << 21, ReservedBit)]
    [InlineData(1ul << 20, null)]
    public void A_large_page_of_32_bit_paging_has_40_address_bits_and_a_reserved_one(ulong bit, uint? errorCode)
    {
        // The first page is where the guest lives, the second is the same memory again, or 512 GiB further on.
        bool isFarAway = bit == 1ul << 20;
        using var guest = TestGuest.Protected(a =>
        {
            a.mov(eax, __dword_ptr[0x40_0000 + 0x1000]);
            a.hlt();
        });
        guest.Write64(Tables, 0x83 | ((0x83 | bit) << 32));
        guest.Write64(0x1000, 0x55);
        guest.Change(state => state with { Cr0 = 0x8001_0011, Cr3 = Tables, Cr4 = 0x10 });

        Assert.IsType<VmExit.Halted>(guest.Run());
        Assert.Equal(errorCode, ErrorOfPageFault(guest));
        Assert.Equal(isFarAway ? uint.MaxValue : errorCode is null ? 0x55ul : 0, guest[Gpr.Rax]);
    }

    [Theory]
    [InlineData(0ul, true)]
    [InlineData(1ul << 1, false)]
    [InlineData(1ul << 5, false)]
    [InlineData(1ul << 8, false)]
    [InlineData(1ul << 50, false)]
    [InlineData(1ul << 62, false)]
    [InlineData(1ul << 63, false)]
    public void MOV_to_CR3_refuses_PDPTEs_with_reserved_bits(ulong reserved, bool isAccepted)
    {
        using var guest = TestGuest.Protected(a =>
        {
            a.mov(cr3, ecx);
            a.hlt();
        });
        WritePae(guest, Tables);
        WritePae(guest, Tables + 0x4000);
        guest.Write64(Tables + 0x4000 + 0x18, reserved | 1);
        guest.Change(state => state with { Cr0 = 0x8001_0011, Cr3 = Tables, Cr4 = 0x20 });
        guest[Gpr.Rcx] = Tables + 0x4000;

        Assert.IsType<VmExit.Halted>(guest.Run());
        Assert.Equal(isAccepted ? Tables + 0x4000 : Tables, guest.Vcpu.Save().Cr3);
        Assert.Equal(!isAccepted, IsInHandler(guest, 13));
    }

    [Fact]
    public void Entering_PAE_paging_refuses_PDPTEs_with_reserved_bits()
    {
        using var guest = TestGuest.Protected(a =>
        {
            a.mov(cr0, eax);
            a.hlt();
        });
        WritePae(guest, Tables);
        guest.Write64(Tables + 8, 3);
        guest.Change(state => state with { Cr3 = Tables, Cr4 = 0x20 });
        guest[Gpr.Rax] = 0x8001_0011;

        Assert.IsType<VmExit.Halted>(guest.Run());
        Assert.True(IsInHandler(guest, 13));
        Assert.Equal(0x11ul, guest.Vcpu.Save().Cr0);
    }

    [Theory]
    [InlineData(true, 1ul << 52, ReservedBit)]
    [InlineData(true, 1ul << 62, ReservedBit)]
    [InlineData(true, 1ul << 45, ReservedBit)]
    [InlineData(true, 1ul << 63, ReservedBit)]
    [InlineData(true, 1ul << 9, null)]
    [InlineData(false, 1ul << 52, null)]
    [InlineData(false, 1ul << 62, null)]
    [InlineData(false, 1ul << 45, ReservedBit)]
    public void Bits_behind_the_address_are_reserved_in_PAE_paging_and_ignored_in_long_mode(
        bool isPae, ulong bit, uint? errorCode)
    {
        using TestGuest guest = isPae ? TestGuest.Protected(Load32) : TestGuest.Long(Load64);
        if (isPae)
        {
            WritePae(guest, Tables);
            guest.Write64(Tables + 0x1010, (Tables + 0x2000) | 3);
            guest.Write64(Tables + 0x2000, 0x20_0003 | bit);
            guest.Change(state => state with { Cr0 = 0x8001_0011, Cr3 = Tables, Cr4 = 0x20 });
        }
        else
        {
            GuestTables.SetPage(guest.Memory, Page, 0x20_0003 | bit);
        }

        guest[Gpr.Rbx] = isPae ? 0x40_0000 : PageAddress;
        guest.Write64(0x20_0000, 0x55);

        Assert.IsType<VmExit.Halted>(guest.Run());
        Assert.Equal(errorCode, ErrorOfPageFault(guest));
        Assert.Equal(errorCode is null ? 0x55ul : 0, guest[Gpr.Rax]);

        static void Load32(Assembler a)
        {
            a.mov(eax, __dword_ptr[ebx]);
            a.hlt();
        }

        static void Load64(Assembler a)
        {
            a.mov(rax, __qword_ptr[rbx]);
            a.hlt();
        }
    }

    [Theory]
    [InlineData(false, null)]
    [InlineData(true, ReservedBit)]
    public void The_global_bit_above_page_directories_is_reserved_by_AMD(bool isAmd, uint? errorCode)
    {
        using var guest = TestGuest.Long(a =>
        {
            a.mov(rax, __qword_ptr[rbx]);
            a.hlt();
        });
        guest.Vcpu.Cpuid = isAmd ? TestGuest.AllFeaturesOfAmd : TestGuest.AllFeatures;
        const ulong SecondHalf = GuestTables.PageMapLevel4 + (256 * 8);
        guest.Write64(SecondHalf, guest.Read64(GuestTables.PageMapLevel4) | 0x100);
        guest[Gpr.Rbx] = 0xFFFF_8000_0020_0000;

        Assert.IsType<VmExit.Halted>(guest.Run());
        Assert.Equal(errorCode, ErrorOfPageFault(guest));
    }

    [Theory]
    [InlineData(3ul, null)]
    [InlineData(7ul, 0x11u)]
    public void SMEP_keeps_the_kernel_from_fetching_in_user_pages(ulong rights, uint? errorCode)
    {
        using var guest = TestGuest.Long(a => a.jmp(rbx));
        for (ulong page = 0; page < 0x100; page++)
        {
            GuestTables.SetPage(guest.Memory, page, (page << 12) | 3);
        }

        GuestTables.SetPage(guest.Memory, Page, PageAddress | rights);
        guest.Memory.Write(new Gpa(PageAddress), [0xF4]);
        guest.Change(state => state with { Cr4 = state.Cr4 | (1ul << 20) });
        guest[Gpr.Rbx] = PageAddress;

        Assert.IsType<VmExit.Halted>(guest.Run());
        Assert.Equal(errorCode, ErrorOfPageFault(guest));
        Assert.Equal(errorCode is null, guest.Vcpu.Rip == PageAddress + 1);
    }

    [Theory]
    [InlineData("invlpg")]
    [InlineData("pge")]
    public void A_global_page_is_dropped_by_INVLPG_and_by_a_change_of_CR4_PGE(string how)
    {
        using var guest = TestGuest.Long(a =>
        {
            a.mov(rcx, __qword_ptr[rbx]);
            a.mov(__qword_ptr[PageTableEntry], rdx);
            if (how == "invlpg")
            {
                a.invlpg(__[rbx]);
            }
            else
            {
                a.mov(rax, cr4);
                a.xor(rax, (int)PageGlobalEnable);
                a.mov(cr4, rax);
            }

            a.mov(rcx, __qword_ptr[rbx]);
            a.hlt();
        });
        guest.Change(state => state with { Cr4 = state.Cr4 | PageGlobalEnable });
        GuestTables.SetPage(guest.Memory, Page, PageAddress | 0x103);
        guest.Write64(PageAddress, 1);
        guest.Write64(0x20_0000, 2);
        guest[Gpr.Rbx] = PageAddress;
        guest[Gpr.Rdx] = 0x20_0103;

        Assert.IsType<VmExit.Halted>(guest.Run());
        Assert.Equal(2ul, guest[Gpr.Rcx]);
    }

    private static void WritePae(TestGuest guest, ulong tables)
    {
        guest.Write64(tables, (Tables + 0x1000) | 1);
        guest.Write64(Tables + 0x1000, 0x83);
        guest.Write64(Tables + 0x1008, 0x20_0083);
    }

    private static bool IsInHandler(TestGuest guest, int vector) =>
        guest.Vcpu.Rip == GuestTables.HandlerOf(vector) + 1;

    private static uint? ErrorOfPageFault(TestGuest guest) =>
        IsInHandler(guest, 14) ? (uint)guest.Read64(guest[Gpr.Rsp]) : null;
}
