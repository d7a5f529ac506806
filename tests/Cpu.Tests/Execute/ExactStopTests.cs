// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.Memory;
using KvmActors.Cpu.State;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace KvmActors.Cpu.Tests.Execute;

/// <summary>A run may be cut anywhere, and the pieces may be run by different vCPU objects: nothing tells.</summary>
public sealed class ExactStopTests
{
    [Fact]
    public void A_run_cut_at_every_count_and_moved_to_a_fresh_vcpu_ends_as_the_uncut_run()
    {
        using TestGuest whole = Guest();
        Finish(whole.Vcpu);
        ulong total = whole.Vcpu.InstructionsRetired;
        string expected = StateText.Of(whole.Vcpu.Save()) + HashOf(whole.Memory);

        for (ulong cut = 0; cut < total; cut++)
        {
            using TestGuest guest = Guest();
            RunTo(guest.Vcpu, cut);
            Assert.Equal(cut, guest.Vcpu.InstructionsRetired);

            using Vcpu fresh = new(index: 0, guest.Memory);
            fresh.Restore(guest.Vcpu.Save());
            Finish(fresh);

            string found = StateText.Of(fresh.Save()) + HashOf(guest.Memory);
            Assert.True(expected == found, $"Cut at {cut} of {total}:\n{found}\nexpected:\n{expected}");
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(7)]
    public void A_run_in_steps_of_a_fixed_size_ends_as_the_uncut_run(ulong step)
    {
        using TestGuest whole = Guest();
        Finish(whole.Vcpu);
        using TestGuest stepped = Guest();

        while (stepped.Vcpu.Activity != VcpuActivity.Halted)
        {
            Serve(stepped.Vcpu, stepped.Run(step));
        }

        Assert.Equal(StateText.Of(whole.Vcpu.Save()), StateText.Of(stepped.Vcpu.Save()));
        Assert.Equal(HashOf(whole.Memory), HashOf(stepped.Memory));
    }

    private static TestGuest Guest()
    {
        var guest = TestGuest.Long(Program);

        // IRETQ: the interrupt handler returns at once.
        guest.Memory.Write(new Gpa(GuestTables.HandlerOf(0x40)), [0x48, 0xCF]);
        return guest;
    }

    /// <summary>Loops, calls, faults, string instructions, an interrupt, port accesses, CPUID, RDTSC and code that
    /// changes itself.</summary>
    private static void Program(Assembler a)
    {
        Label sum = a.CreateLabel();
        Label function = a.CreateLabel();
        Label start = a.CreateLabel();
        Label patched = a.CreateLabel();
        a.jmp(start);

        a.Label(ref function);
        a.push(rbx);
        a.lea(rbx, __[rax + (rax * 2) + 1]);
        a.xor(rax, rbx);
        a.pop(rbx);
        a.ret();

        a.Label(ref start);
        a.mov(ecx, 5);
        a.xor(eax, eax);
        a.Label(ref sum);
        a.add(rax, rcx);
        a.call(function);
        a.dec(ecx);
        a.jnz(sum);

        a.mov(edi, 0x20_0FF0);
        a.mov(ecx, 9);
        a.rep.stosq();
        a.mov(esi, 0x20_0FF0);
        a.mov(edi, 0x20_1005);
        a.mov(ecx, 11);
        a.rep.movsb();
        a.mov(ecx, 6);
        a.mov(edi, 0x20_1005);
        a.repe.scasb();

        a.pushfq();
        a.@int(0x40);
        a.cpuid();
        a.rdtsc();
        a.mov(dx, 0x3F8);
        a.@in(al, dx);
        a.@out(dx, al);
        a.mov(edi, 0x20_2000);
        a.mov(ecx, 3);
        a.rep.insb();

        // The first iteration's store turns "inc ebx" (FF C3) into "dec ebx" (FF CB) for the second.
        a.mov(r8d, 2);
        a.lea(r9, __[patched]);
        a.Label(ref patched);
        a.inc(ebx);
        a.mov(__byte_ptr[r9 + 1], 0xCB);
        a.dec(r8d);
        a.jnz(patched);
        a.mov(rax, __[0x50_0000_0000]);
        a.hlt();
    }

    private static void RunTo(Vcpu vcpu, ulong count)
    {
        while (vcpu.InstructionsRetired < count)
        {
            Serve(vcpu, vcpu.Run(count - vcpu.InstructionsRetired, vcpu.InstructionsRetired));
        }
    }

    private static void Finish(Vcpu vcpu)
    {
        while (vcpu.Activity != VcpuActivity.Halted)
        {
            Serve(vcpu, vcpu.Run(TestGuest.Plenty, vcpu.InstructionsRetired));
        }
    }

    private static void Serve(Vcpu vcpu, VmExit exit)
    {
        switch (exit)
        {
            case VmExit.PortRead read:
                vcpu.CompletePortRead(0x5Au + read.Port);
                break;
            case VmExit.PortWrite:
                vcpu.CompletePortWrite();
                break;
            default:
                Assert.True(exit is VmExit.BudgetSpent or VmExit.Halted, exit.ToString());
                break;
        }
    }

    private static string HashOf(GuestMemory memory)
    {
        byte[] all = new byte[memory.SizeBytes];
        memory.Read(new Gpa(0), all);
        return Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(all));
    }
}
