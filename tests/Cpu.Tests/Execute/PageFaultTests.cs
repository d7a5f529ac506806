// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.State;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace KvmActors.Cpu.Tests.Execute;

/// <summary>#PF is precise: RIP at the instruction, registers as before it, the manual's error code, CR2.</summary>
/// <remarks>Source: Intel SDM vol. 3A, section 5.7 "Page-Fault Exceptions".</remarks>
public sealed class PageFaultTests
{
    private const ulong Page = 0x60;
    private const ulong PageAddress = Page << 12;
    private const ulong Present = 1;
    private const ulong Writable = 2;
    private const ulong User = 4;
    private const ulong NoExecute = 1ul << 63;

    public static TheoryData<ulong, int, string, uint> DataAccesses => new()
    {
        { 0, 0, "read", 0x0 },
        { 0, 0, "write", 0x2 },
        { 0, 0, "modify", 0x2 },
        { 0, 3, "read", 0x4 },
        { 0, 3, "write", 0x6 },
        { Present | User, 0, "write", 0x3 },
        { Present | User, 3, "write", 0x7 },
        { Present | Writable, 3, "read", 0x5 },
        { Present | Writable, 3, "write", 0x7 },
        { Present | Writable | User | (1ul << 51), 0, "read", 0x9 },
        { Present | Writable | User | (1ul << 51), 3, "write", 0xF },
        { 0, 0, "fetch", 0x10 },
        { Present | Writable | User | NoExecute, 0, "fetch", 0x11 },
        { Present | Writable | User | NoExecute, 3, "fetch", 0x15 },
        { Present | Writable, 3, "fetch", 0x15 },
    };

    [Theory]
    [MemberData(nameof(DataAccesses))]
    public void A_forbidden_access_faults_with_its_code_and_changes_nothing(
        ulong entry, int privilege, string access, uint errorCode)
    {
        using var guest = TestGuest.Long(a => Access(a, access), privilege);
        GuestTables.SetPage(guest.Memory, Page, (PageAddress & (entry == 0 ? 0 : ~0ul)) | entry);
        guest[Gpr.Rax] = 0x1111;
        guest[Gpr.Rbx] = PageAddress + 0x10;
        ulong faultingRip = access == "fetch" ? PageAddress + 0x10 : TestGuest.CodeStart + 1;
        ulong retired = access == "fetch" ? 2ul : 1ul;

        VmExit exit = guest.Run();

        AssertFault(guest, exit, errorCode, PageAddress + 0x10, faultingRip);
        Assert.Equal(0x1111ul, guest[Gpr.Rax]);
        Assert.Equal(retired + 1, guest.Vcpu.InstructionsRetired);
        ulong flags = guest.Read64(guest[Gpr.Rsp] + 0x18);
        Assert.Equal(RFlagsResume, flags & RFlagsResume);
    }

    [Theory]
    [InlineData("read", 0x0u)]
    [InlineData("write", 0x2u)]
    [InlineData("modify", 0x2u)]
    public void An_access_across_two_pages_names_the_missing_one_and_writes_no_byte(string access, uint errorCode)
    {
        using var guest = TestGuest.Long(a => Access(a, access));
        GuestTables.SetPage(guest.Memory, Page + 1, 0);
        guest[Gpr.Rax] = ulong.MaxValue;
        guest[Gpr.Rbx] = PageAddress + 0xFFE;

        VmExit exit = guest.Run();

        AssertFault(guest, exit, errorCode, PageAddress + 0x1000, TestGuest.CodeStart + 1);
        Assert.Equal(0ul, guest.Read64(PageAddress + 0xFF8));
    }

    [Fact]
    public void An_instruction_that_reaches_into_a_missing_page_faults_at_the_page()
    {
        using var guest = TestGuest.Long(a => a.jmp(rbx));
        guest.Memory.Write(new Gpa(PageAddress + 0xFFE), [0x48, 0xC7]);
        GuestTables.SetPage(guest.Memory, Page + 1, 0);
        guest[Gpr.Rbx] = PageAddress + 0xFFE;

        VmExit exit = guest.Run();

        AssertFault(guest, exit, 0x10, PageAddress + 0x1000, PageAddress + 0xFFE);
    }

    [Fact]
    public void An_instruction_across_two_pages_runs_and_follows_a_new_second_page()
    {
        using var guest = TestGuest.Long(a =>
        {
            a.call(rbx);
            a.mov(rcx, rax);
            a.mov(__qword_ptr[GuestTables.PageTableOfFirst2M + ((Page + 1) * 8)], rdx);
            a.invlpg(__[rbx + 0x10]);
            a.call(rbx);
            a.hlt();
        });

        // mov eax, imm32; ret. The immediate is in the second page.
        guest.Memory.Write(new Gpa(PageAddress + 0xFFF), [0xB8, 1, 0, 0, 0, 0xC3]);
        guest.Memory.Write(new Gpa(0x6_8000), [2, 0, 0, 0, 0xC3]);
        guest[Gpr.Rbx] = PageAddress + 0xFFF;
        guest[Gpr.Rdx] = 0x6_8007;

        Assert.IsType<VmExit.Halted>(guest.Run());
        Assert.Equal(1ul, guest[Gpr.Rcx]);
        Assert.Equal(2ul, guest[Gpr.Rax]);
    }

    [Fact]
    public void A_supervisor_writes_to_a_read_only_page_only_without_write_protection()
    {
        using var guest = TestGuest.Long(a =>
        {
            a.mov(__qword_ptr[rbx], rax);
            a.hlt();
        });
        GuestTables.SetPage(guest.Memory, Page, PageAddress | Present);
        guest.Change(state => state with { Cr0 = state.Cr0 & ~(1ul << 16) });
        guest[Gpr.Rax] = 77;
        guest[Gpr.Rbx] = PageAddress;

        Assert.IsType<VmExit.Halted>(guest.Run());
        Assert.Equal(77ul, guest.Read64(PageAddress));
    }

    [Fact]
    public void Accessed_and_dirty_bits_are_set_by_what_was_done()
    {
        using var guest = TestGuest.Long(a =>
        {
            a.mov(rax, __qword_ptr[rbx]);
            a.mov(rdx, __qword_ptr[GuestTables.PageTableOfFirst2M + (Page * 8)]);
            a.mov(__qword_ptr[rbx], rax);
            a.mov(rcx, __qword_ptr[GuestTables.PageTableOfFirst2M + (Page * 8)]);
            a.hlt();
        });
        guest[Gpr.Rbx] = PageAddress;

        Assert.IsType<VmExit.Halted>(guest.Run());
        Assert.Equal(0x20ul, guest[Gpr.Rdx] & 0x60);
        Assert.Equal(0x60ul, guest[Gpr.Rcx] & 0x60);
        Assert.Equal(0x20ul, guest.Read64(GuestTables.PageMapLevel4) & 0x20);
    }

    [Fact]
    public void Execution_and_access_prevention_keep_the_kernel_from_user_pages()
    {
        using var execution = TestGuest.Long(a => a.nop());
        execution.Change(state => state with { Cr4 = state.Cr4 | (1ul << 20) });

        // The code itself, and the handler, are in user pages: no instruction can be fetched, not even of #DF's
        // handler.
        VmExit.Shutdown shutdown = Assert.IsType<VmExit.Shutdown>(execution.Run());
        Assert.Contains("#DF", shutdown.Reason, StringComparison.Ordinal);

        using var access = TestGuest.Long(a =>
        {
            a.stac();
            a.mov(rax, __qword_ptr[rbx]);
            a.clac();
            a.mov(rcx, __qword_ptr[rbx]);
            a.hlt();
        });
        access[Gpr.Rbx] = PageAddress;
        GuestTables.SetPage(access.Memory, (TestGuest.StackTop - 8) >> 12, (TestGuest.StackTop - 0x1000) | 3);
        access.Change(state => state with { Cr4 = state.Cr4 | (1ul << 21) });
        for (ulong page = 2; page < 8; page++)
        {
            GuestTables.SetPage(access.Memory, page, (page << 12) | 3);
        }

        AssertFault(access, access.Run(), 0x1, PageAddress, TestGuest.CodeStart + 9);
    }

    private const ulong RFlagsResume = 1ul << 16;

    private static void Access(Assembler a, string access)
    {
        a.nop();
        switch (access)
        {
            case "read":
                a.mov(rax, __qword_ptr[rbx]);
                break;
            case "write":
                a.mov(__qword_ptr[rbx], rax);
                break;
            case "modify":
                a.add(__qword_ptr[rbx], rax);
                break;
            default:
                a.jmp(rbx);
                break;
        }

        a.hlt();
    }

    private static void AssertFault(TestGuest guest, VmExit exit, uint errorCode, ulong address, ulong rip)
    {
        Assert.True(exit is VmExit.Halted, exit.ToString());
        Assert.Equal(GuestTables.HandlerOf(14) + 1, guest.Vcpu.Rip);
        ulong frame = guest[Gpr.Rsp];
        Assert.Equal(errorCode, guest.Read64(frame));
        Assert.Equal(rip, guest.Read64(frame + 8));
        Assert.Equal(address, guest.Vcpu.Save().Cr2);
    }
}
