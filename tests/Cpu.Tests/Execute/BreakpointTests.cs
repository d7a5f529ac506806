// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using Iced.Intel;
using KvmActors.Cpu.State;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace KvmActors.Cpu.Tests.Execute;

/// <summary>DR0 to DR3 by what DR7 makes of them, and what goes into DR6.</summary>
/// <remarks>Source: Intel SDM vol. 3A, sections 19.2 and 19.3.1.</remarks>
public sealed class BreakpointTests
{
    private const ulong FixedStatus = 0xFFFF_0FF0;
    private const ulong ResumeFlag = 1ul << 16;
    private const ulong StepFlag = 1ul << 8;
    private const int Status = 4;
    private const int Control = 5;

    [Fact]
    public void An_execution_breakpoint_is_a_fault_before_its_instruction()
    {
        using TestGuest guest = Watching(Nops, index: 2, TestGuest.CodeStart + 1, kind: 0, length: 0);

        AssertTrap(guest, rip: TestGuest.CodeStart + 1, status: 4);

        // One instruction, and the handler's HLT.
        Assert.Equal(2ul, guest.Vcpu.InstructionsRetired);
    }

    [Fact]
    public void RF_holds_an_execution_breakpoint_off_for_one_instruction()
    {
        using TestGuest guest = Watching(Nops, index: 0, TestGuest.CodeStart, kind: 0, length: 0);
        guest.Change(state => state with { RFlags = state.RFlags | ResumeFlag });

        Assert.IsType<VmExit.Halted>(guest.Run());

        Assert.Equal(TestGuest.CodeStart + 4, guest.Vcpu.Rip);
        Assert.Equal(FixedStatus, guest.Vcpu.Save().DebugRegisters[Status]);
    }

    [Theory]
    [InlineData(1, 3, 0, true)]
    [InlineData(1, 3, 3, true)]
    [InlineData(1, 3, 4, false)]
    [InlineData(1, 0, 1, false)]
    [InlineData(3, 1, 1, true)]
    [InlineData(1, 2, 7, true)]
    public void A_data_breakpoint_is_a_trap_behind_a_store_into_its_range(int kind, int length, int at, bool fires)
    {
        using TestGuest guest = Watching(
            a =>
            {
                a.mov(__byte_ptr[rbx], al);
                a.hlt();
            },
            index: 1,
            TestGuest.DataStart,
            kind,
            length);
        guest[Gpr.Rbx] = TestGuest.DataStart + (ulong)at;
        guest[Gpr.Rax] = 0x5A;

        if (fires)
        {
            AssertTrap(guest, rip: TestGuest.CodeStart + 2, status: 2);
        }
        else
        {
            Assert.IsType<VmExit.Halted>(guest.Run());
            Assert.Equal(TestGuest.CodeStart + 3, guest.Vcpu.Rip);
        }

        Assert.Equal(0x5Aul, guest.Read64(TestGuest.DataStart + (ulong)at) & 0xFF);
    }

    [Fact]
    public void A_load_meets_a_breakpoint_for_access_and_not_one_for_writes()
    {
        using TestGuest access = Watching(Load, index: 0, TestGuest.DataStart, kind: 3, length: 3);
        AssertTrap(access, rip: TestGuest.CodeStart + 3, status: 1);

        using TestGuest write = Watching(Load, index: 0, TestGuest.DataStart, kind: 1, length: 3);
        Assert.IsType<VmExit.Halted>(write.Run());
        Assert.Equal(TestGuest.CodeStart + 4, write.Vcpu.Rip);

        static void Load(Assembler a)
        {
            a.mov(rax, __qword_ptr[rbx]);
            a.hlt();
        }
    }

    [Fact]
    public void A_repeated_string_instruction_traps_behind_the_iteration()
    {
        using TestGuest guest = Watching(
            a =>
            {
                a.rep.stosb();
                a.hlt();
            },
            index: 3,
            TestGuest.DataStart + 2,
            kind: 1,
            length: 0);
        guest[Gpr.Rdi] = TestGuest.DataStart;
        guest[Gpr.Rcx] = 8;

        AssertTrap(guest, rip: TestGuest.CodeStart, status: 8);
        Assert.Equal(5ul, guest[Gpr.Rcx]);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void MOV_SS_holds_its_data_breakpoint_off_by_one_instruction_also_in_a_restored_vcpu(bool isRestored)
    {
        using TestGuest guest = Watching(
            a =>
            {
                a.mov(ss, __word_ptr[rbx]);
                a.nop();
                a.hlt();
            },
            index: 0,
            TestGuest.DataStart,
            kind: 3,
            length: 1);
        guest.Write64(TestGuest.DataStart, guest.Vcpu.Save().Segments[(int)SegmentName.Ss].Selector);

        Assert.IsType<VmExit.BudgetSpent>(guest.Run(budget: 1));
        VcpuState between = guest.Vcpu.Save();
        Assert.Equal(InterruptShadow.MovSs, between.InterruptShadow);
        Assert.Equal(1, between.HeldBreakpoints);
        if (isRestored)
        {
            guest.Vcpu.Restore(between);
        }

        AssertTrap(guest, rip: TestGuest.CodeStart + 3, status: 1);
    }

    [Fact]
    public void A_port_breakpoint_traps_behind_the_access_if_CR4_DE_is_set()
    {
        using TestGuest guest = Watching(
            a =>
            {
                a.@in(al, 0x61);
                a.hlt();
            },
            index: 0,
            0x61,
            kind: 2,
            length: 0);
        guest.Change(state => state with { Cr4 = state.Cr4 | 8 });

        Assert.IsType<VmExit.PortRead>(guest.Run());
        guest.Vcpu.CompletePortRead(7);

        AssertTrap(guest, rip: TestGuest.CodeStart + 2, status: 1);
        Assert.Equal(7ul, guest[Gpr.Rax]);
    }

    [Fact]
    public void A_single_step_follows_a_port_access_and_a_HLT_and_not_INT()
    {
        using var port = TestGuest.Long(a => a.@in(al, 0x61));
        SetTrapFlag(port);
        Assert.IsType<VmExit.PortRead>(port.Run());
        port.Vcpu.CompletePortRead(7);
        AssertTrap(port, rip: TestGuest.CodeStart + 2, status: 0x4000);

        using var halt = TestGuest.Long(a => a.hlt());
        SetTrapFlag(halt);
        AssertTrap(halt, rip: TestGuest.CodeStart + 1, status: 0x4000);

        using var software = TestGuest.Long(a => a.@int(0x50));
        SetTrapFlag(software);
        Assert.IsType<VmExit.Halted>(software.Run());
        Assert.Equal(GuestTables.HandlerOf(0x50) + 1, software.Vcpu.Rip);
    }

    [Fact]
    public void SYSRET_that_sets_TF_traps_before_the_first_instruction_of_its_target()
    {
        using var guest = TestGuest.Long(a =>
        {
            a.sysretq();
            a.hlt();
        });
        guest.Change(state => state with { Efer = state.Efer | 1 });
        guest[Gpr.Rcx] = TestGuest.CodeStart + 0x100;
        guest[Gpr.R11] = 2 | StepFlag;

        AssertTrap(guest, rip: TestGuest.CodeStart + 0x100, status: 0x4000);
    }

    private static void Nops(Assembler a)
    {
        a.nop();
        a.nop();
        a.nop();
        a.hlt();
    }

    private static void SetTrapFlag(TestGuest guest) =>
        guest.Change(state => state with { RFlags = state.RFlags | StepFlag });

    private static TestGuest Watching(Action<Assembler> program, int index, ulong address, int kind, int length)
    {
        var guest = TestGuest.Long(program);
        guest[Gpr.Rbx] = TestGuest.DataStart;
        ulong control = 0x400 | (2ul << (2 * index)) | ((ulong)(kind | (length << 2)) << (16 + (4 * index)));
        guest.Change(state => state with
        {
            DebugRegisters = Registers(state).SetItem(index, address).SetItem(Control, control),
        });
        return guest;
    }

    private static ImmutableArray<ulong> Registers(VcpuState state) => state.DebugRegisters;

    /// <summary>#DB with this RIP pushed and these bits of DR6.</summary>
    private static void AssertTrap(TestGuest guest, ulong rip, ulong status)
    {
        VmExit exit = guest.Run();
        Assert.True(exit is VmExit.Halted, exit.ToString());
        Assert.Equal(GuestTables.HandlerOf(1) + 1, guest.Vcpu.Rip);
        Assert.Equal(rip, guest.Read64(guest[Gpr.Rsp]));
        Assert.Equal(FixedStatus | status, guest.Vcpu.Save().DebugRegisters[Status]);
    }
}
