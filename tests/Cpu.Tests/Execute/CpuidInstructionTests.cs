// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Cpuid.Vetting;
using KvmActors.Cpu.State;
using KvmActors.Cpu.Tests.Cpuid;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace KvmActors.Cpu.Tests.Execute;

/// <summary>The CPUID instruction itself: registers, hidden state, privilege.</summary>
public sealed class CpuidInstructionTests
{
    private const uint MiscFeaturesEnables = 0x140;
    private const uint PlatformInfo = 0xCE;

    [Fact]
    public void A_leaf_that_answers_in_turn_goes_on_where_it_was_in_a_restored_vcpu()
    {
        static void Read(Assembler a)
        {
            a.mov(eax, 2);
            a.cpuid();
            a.hlt();
        }

        using var first = TestGuest.Long(Read);
        WithAnswers(first);
        first.Run();
        Assert.Equal(100ul, first[Gpr.Rax]);

        using var second = TestGuest.Long(Read);
        WithAnswers(second);
        second.Vcpu.Restore(first.Vcpu.Save() with
        {
            Rip = second.Vcpu.Rip,
            Activity = VcpuActivity.Running,
        });
        second.Run();

        Assert.Equal(200ul, second[Gpr.Rax]);
        Assert.Equal(0, Assert.Single(CpuidKvm2007.Cursors(second.Vcpu.Cpuid)));
    }

    [Fact]
    public void Todays_rule_does_not_look_at_what_is_read_next()
    {
        using var guest = TestGuest.Long(a =>
        {
            a.mov(eax, 2);
            a.cpuid();
            a.mov(eax, 2);
            a.cpuid();
            a.hlt();
        });
        WithAnswers(guest);
        guest.Vcpu.CpuidDialect = CpuidDialect.Kvm;

        guest.Run();

        Assert.Equal(100ul, guest[Gpr.Rax]);
    }

    [Fact]
    public void Cpuid_test_the_guest_reads_every_entry_of_its_table_exactly()
    {
        CpuidTable table = CpuidVetting.CutToEngine(SampleTables.Xeon);
        using var guest = TestGuest.Long(a =>
        {
            a.cpuid();
            a.hlt();
        });
        guest.Vcpu.Cpuid = table;
        VcpuState ready = guest.Vcpu.Save();
        foreach (CpuidEntry entry in table.Entries)
        {
            guest.Vcpu.Restore(ready);
            guest[Gpr.Rax] = 0xFFFF_FFFF_0000_0000 | entry.Leaf;
            guest[Gpr.Rcx] = 0xFFFF_FFFF_0000_0000 | entry.Subleaf;

            guest.Run();

            Assert.Equal(
                (entry.Eax, (ulong)entry.Ebx, (ulong)entry.Ecx, (ulong)entry.Edx),
                (guest[Gpr.Rax], guest[Gpr.Rbx], guest[Gpr.Rcx], guest[Gpr.Rdx]));
        }
    }

    [Theory]
    [InlineData(0, 0ul, true)]
    [InlineData(0, 1ul, true)]
    [InlineData(3, 0ul, true)]
    [InlineData(3, 1ul, false)]
    public void Cpuid_faulting_keeps_user_code_from_reading(int privilege, ulong enables, bool isAnswered)
    {
        const uint Leaf = 0x1234_5678;
        using var guest = TestGuest.Long(
            a =>
            {
                a.mov(eax, Leaf);
                a.cpuid();
                a.hlt();
            },
            privilege);
        guest.Change(state => state with
        {
            Msrs =
            [
                .. state.Msrs.Select(msr =>
                    msr.Index == MiscFeaturesEnables ? msr with { Value = enables } : msr),
            ],
        });

        guest.Run();

        Assert.Equal(isAnswered, guest[Gpr.Rax] != Leaf);
    }

    [Fact]
    public void A_kernel_finds_cpuid_faulting_and_can_switch_it_on()
    {
        using var guest = TestGuest.Long(a =>
        {
            a.mov(ecx, PlatformInfo);
            a.rdmsr();
            a.mov(rdi, rax);
            a.mov(ecx, MiscFeaturesEnables);
            a.mov(eax, 1);
            a.xor(edx, edx);
            a.wrmsr();
            a.xor(eax, eax);
            a.rdmsr();
            a.hlt();
        });

        Assert.IsType<VmExit.Halted>(guest.Run());
        Assert.Equal((1ul, 1ul), (guest[Gpr.Rax], guest[Gpr.Rdi] >> 31));
    }

    private static void WithAnswers(TestGuest guest)
    {
        const CpuidEntryFlags InTurn = CpuidEntryFlags.StatefulFunction;
        CpuidTable before = guest.Vcpu.Cpuid;
        guest.Vcpu.CpuidDialect = CpuidDialect.Kvm2007;
        guest.Vcpu.Cpuid = CpuidTable.Of(
        [
            new CpuidEntry(2, 0, InTurn | CpuidEntryFlags.StateReadNext, 100, 0, 0, 0),
            new CpuidEntry(2, 0, InTurn, 200, 0, 0, 0),
            .. before.Entries.Where(entry => entry.Leaf != 2),
        ]);
    }
}
