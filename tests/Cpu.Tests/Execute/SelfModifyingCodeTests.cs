// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.State;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace KvmActors.Cpu.Tests.Execute;

/// <summary>A byte of code that changes is executed as it is then, whoever changed it and from where.</summary>
public sealed class SelfModifyingCodeTests
{
    [Fact]
    public void A_store_into_the_very_next_instruction_counts()
    {
        using var guest = TestGuest.Long(a =>
        {
            Label next = a.CreateLabel();
            a.lea(rdi, __[next]);
            a.mov(__byte_ptr[rdi], 0xF9);
            a.Label(ref next);
            a.clc();
            a.setc(al);
            a.hlt();
        });

        Assert.IsType<VmExit.Halted>(guest.Run());
        Assert.Equal(1ul, guest[Gpr.Rax]);
        Assert.Equal(5ul, guest.Vcpu.InstructionsRetired);
    }

    [Fact]
    public void A_loop_that_rewrites_its_own_immediate_sees_each_value()
    {
        using var guest = TestGuest.Long(a =>
        {
            Label again = a.CreateLabel();
            Label constant = a.CreateLabel();
            a.xor(ebx, ebx);
            a.lea(rdi, __[constant]);
            a.mov(ecx, 100);
            a.Label(ref again);
            a.mov(__dword_ptr[rdi + 1], ecx);
            a.Label(ref constant);
            a.mov(eax, 0);
            a.add(ebx, eax);
            a.dec(ecx);
            a.jnz(again);
            a.hlt();
        });

        Assert.IsType<VmExit.Halted>(guest.Run());
        Assert.Equal(5050ul, guest[Gpr.Rbx]);
    }

    [Fact]
    public void Code_changed_through_another_mapping_of_its_page_is_seen()
    {
        using var guest = TestGuest.Long(a =>
        {
            a.call(rbx);
            a.mov(ecx, eax);
            a.mov(__byte_ptr[rdi], 9);
            a.call(rbx);
            a.hlt();
        });
        GuestTables.SetPage(guest.Memory, 0x61, 0x6_0007);
        guest.Memory.Write(new Gpa(0x6_0000), [0xB8, 4, 0, 0, 0, 0xC3]);
        guest[Gpr.Rbx] = 0x6_0000;
        guest[Gpr.Rdi] = 0x6_1001;

        Assert.IsType<VmExit.Halted>(guest.Run());
        Assert.Equal(4ul, guest[Gpr.Rcx]);
        Assert.Equal(9ul, guest[Gpr.Rax]);
    }

    [Fact]
    public void A_string_instruction_can_overwrite_the_code_behind_it()
    {
        using var guest = TestGuest.Long(a =>
        {
            Label behind = a.CreateLabel();
            a.lea(rdi, __[behind]);
            a.mov(al, 0x90);
            a.mov(ecx, 2);
            a.rep.stosb();
            a.Label(ref behind);
            a.ud2();
            a.hlt();
        });

        Assert.IsType<VmExit.Halted>(guest.Run());
    }

    [Fact]
    public void A_host_write_between_runs_is_seen()
    {
        using var guest = TestGuest.Long(a =>
        {
            Label again = a.CreateLabel();
            a.Label(ref again);
            a.inc(eax);
            a.jmp(again);
        });
        guest.Run(budget: 100);
        ulong before = guest[Gpr.Rax];

        // inc eax becomes dec eax.
        guest.Memory.Write(new Gpa(TestGuest.CodeStart + 1), [0xC8]);
        guest.Run(budget: 20);

        Assert.Equal(before - 10, guest[Gpr.Rax]);
    }

    [Fact]
    public void Data_beside_code_in_one_page_can_be_written_and_the_code_goes_on()
    {
        using var guest = TestGuest.Long(a =>
        {
            Label again = a.CreateLabel();
            a.lea(rdi, __[TestGuest.CodeStart + 0x800]);
            a.mov(ecx, 1000);
            a.Label(ref again);
            a.add(__qword_ptr[rdi], rcx);
            a.dec(ecx);
            a.jnz(again);
            a.hlt();
        });

        Assert.IsType<VmExit.Halted>(guest.Run());
        Assert.Equal(500_500ul, guest.Read64(TestGuest.CodeStart + 0x800));
    }
}
