// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.State;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace KvmActors.Cpu.Tests.Execute;

/// <summary>Exceptions and interrupts through a 64-bit IDT.</summary>
/// <remarks>Source: Intel SDM vol. 3A, section 7.13 "Error Code", 7.14, 7.15; vol. 2A, "INT n".</remarks>
public sealed class DeliveryTests
{
    public static TheoryData<string, int, int, uint?> Faults => new()
    {
        { "div", 0, 0, null },
        { "int3", 0, 3, null },
        { "int 41", 0, 0x41, null },
        { "noncanonical", 0, 13, 0 },
        { "noncanonical stack", 0, 12, 0 },
        { "bad ds", 0, 13, 0xFFF8 },
        { "hlt", 3, 13, 0 },
        { "cli", 3, 13, 0 },
        { "wrmsr", 3, 13, 0 },
        { "unknown msr", 0, 13, 0 },
        { "reserved cr4", 0, 13, 0 },
        { "in", 3, 13, 0 },
        { "null ss", 3, 13, 0 },
    };

    [Theory]
    [MemberData(nameof(Faults))]
    public void An_exception_arrives_with_its_vector_and_code(string what, int privilege, int vector, uint? errorCode)
    {
        using var guest = TestGuest.Long(a => Raise(a, what), privilege);
        guest[Gpr.Rbx] = 0x8000_0000_0000_0000;

        VmExit exit = guest.Run();

        Assert.True(exit is VmExit.Halted, exit.ToString());
        Assert.Equal(GuestTables.HandlerOf(vector) + 1, guest.Vcpu.Rip);
        Assert.Equal(0, guest.Vcpu.Cpl);
        ulong slots = errorCode is null ? 5ul : 6ul;
        ulong top = privilege == 3 ? GuestTables.KernelStack : TestGuest.StackTop;
        Assert.Equal(top - (8 * slots), guest[Gpr.Rsp]);
        if (errorCode is { } code)
        {
            Assert.Equal(code, guest.Read64(guest[Gpr.Rsp]));
        }

        ushort codeSelector = privilege == 3 ? GuestTables.UserCode64 : GuestTables.KernelCode64;
        Assert.Equal(codeSelector, guest.Read64(top - 32));
        Assert.Equal(TestGuest.StackTop, guest.Read64(top - 16));
    }

    [Fact]
    public void A_gate_names_itself_when_it_cannot_be_used()
    {
        using var beyond = TestGuest.Long(a => a.@int(0x80));
        beyond.Change(state => state with { Idtr = state.Idtr with { Limit = 0x7FF } });
        AssertGeneralProtection(beyond, (0x80 << 3) | 2);

        using var privileged = TestGuest.Long(a => a.@int(0x80), privilege: 3);
        GuestTables.WriteGate64(
            privileged.Memory, 0x80, GuestTables.HandlerOf(0x80), type: 0xE, dpl: 0, stackTable: 0);
        AssertGeneralProtection(privileged, (0x80 << 3) | 2);

        using var absent = TestGuest.Long(a => a.@int(0x80));
        absent.Write64(GuestTables.Idt + (0x80 * 16), 0x0000_6E00_0008_0000);
        Assert.IsType<VmExit.Halted>(absent.Run());
        Assert.Equal(GuestTables.HandlerOf(11) + 1, absent.Vcpu.Rip);
        Assert.Equal((0x80ul << 3) | 2, absent.Read64(absent[Gpr.Rsp]));
    }

    [Fact]
    public void A_page_fault_through_a_bad_gate_is_a_double_fault()
    {
        using var guest = TestGuest.Long(a => a.mov(rax, __qword_ptr[rbx]));
        guest.Write64(GuestTables.Idt + (14 * 16), 0);
        guest[Gpr.Rbx] = 0x50_0000_0000;

        // #PF meets a gate of type 0: #GP while delivering #PF is a double fault.
        Assert.IsType<VmExit.Halted>(guest.Run());
        Assert.Equal(GuestTables.HandlerOf(8) + 1, guest.Vcpu.Rip);
        Assert.Equal(0ul, guest.Read64(guest[Gpr.Rsp]));
        Assert.Equal(0x50_0000_0000ul, guest.Vcpu.Save().Cr2);
    }

    [Fact]
    public void An_interrupt_stack_is_used_and_aligned()
    {
        using var guest = TestGuest.Long(a => a.int3());
        GuestTables.WriteGate64(guest.Memory, 3, GuestTables.HandlerOf(3), type: 0xE, dpl: 3, stackTable: 1);
        guest.Write64(GuestTables.TaskSegment + 36, GuestTables.InterruptStack + 7);

        Assert.IsType<VmExit.Halted>(guest.Run());
        Assert.Equal(GuestTables.InterruptStack - 40, guest[Gpr.Rsp]);
        Assert.Equal(TestGuest.CodeStart + 1, guest.Read64(guest[Gpr.Rsp]));
    }

    [Fact]
    public void An_interrupt_gate_clears_IF_and_a_trap_gate_does_not()
    {
        using var interrupt = TestGuest.Long(a => a.@int(0x50));
        interrupt.Change(state => state with { RFlags = 0x4202 });
        using var trap = TestGuest.Long(a => a.@int(0x50));
        GuestTables.WriteGate64(trap.Memory, 0x50, GuestTables.HandlerOf(0x50), type: 0xF, dpl: 3, stackTable: 0);
        trap.Change(state => state with { RFlags = 0x4202 });

        interrupt.Run();
        trap.Run();

        Assert.Equal(0x2ul, interrupt.Vcpu.RFlags & 0x4202);
        Assert.Equal(0x202ul, trap.Vcpu.RFlags & 0x4202);
    }

    [Fact]
    public void Without_an_IDT_the_vcpu_shuts_down_and_stays_so()
    {
        using var guest = TestGuest.Long(a =>
        {
            a.nop();
            a.int3();
        });
        guest.Change(state => state with { Idtr = default });

        Assert.IsType<VmExit.Shutdown>(guest.Run());
        Assert.Equal(1ul, guest.Vcpu.InstructionsRetired);
        Assert.Equal(TestGuest.CodeStart + 1, guest.Vcpu.Rip);
        Assert.Equal(TestGuest.StackTop, guest[Gpr.Rsp]);
        Assert.IsType<VmExit.Shutdown>(guest.Run());
    }

    [Fact]
    public void A_fault_while_pushing_leaves_the_state_for_the_next_handler()
    {
        using var guest = TestGuest.Long(a =>
        {
            a.mov(rsp, 0x50_0000_0000);
            a.int3();
        });
        GuestTables.WriteGate64(guest.Memory, 14, GuestTables.HandlerOf(14), type: 0xE, dpl: 0, stackTable: 1);

        Assert.IsType<VmExit.Halted>(guest.Run());
        Assert.Equal(GuestTables.HandlerOf(14) + 1, guest.Vcpu.Rip);
        ulong frame = guest[Gpr.Rsp];
        Assert.Equal(0x2ul, guest.Read64(frame));
        Assert.Equal(TestGuest.CodeStart + 10, guest.Read64(frame + 8));
        Assert.Equal(0x50_0000_0000ul, guest.Read64(frame + 32));
        Assert.Equal(0x50_0000_0000ul - 8, guest.Vcpu.Save().Cr2);
    }

    [Fact]
    public void IRETQ_returns_to_user_code_and_back_through_a_gate()
    {
        using var guest = TestGuest.Long(a =>
        {
            a.push((int)GuestTables.UserData);
            a.push(0x6_0000);
            a.push(0x202);
            a.push((int)GuestTables.UserCode64);
            a.push((int)TestGuest.CodeStart + 0x100);
            a.iretq();
        });
        guest.Memory.Write(new Gpa(TestGuest.CodeStart + 0x100), [0xCD, 0x77]);

        Assert.IsType<VmExit.Halted>(guest.Run());
        Assert.Equal(GuestTables.HandlerOf(0x77) + 1, guest.Vcpu.Rip);
        Assert.Equal(GuestTables.KernelStack - 40, guest[Gpr.Rsp]);
        Assert.Equal(TestGuest.CodeStart + 0x102, guest.Read64(guest[Gpr.Rsp]));
        Assert.Equal(GuestTables.UserCode64, guest.Read64(guest[Gpr.Rsp] + 8));
        Assert.Equal(0x6_0000ul, guest.Read64(guest[Gpr.Rsp] + 24));
        Assert.Equal(GuestTables.UserData, guest.Read64(guest[Gpr.Rsp] + 32));
    }

    [Fact]
    public void An_interrupt_waits_for_IF_and_for_the_end_of_the_shadow()
    {
        using var guest = TestGuest.Long(a =>
        {
            a.sti();
            a.nop();
            a.nop();
            a.hlt();
        });
        guest.EnableApic();
        Assert.True(guest.Interrupt(0x60));
        guest.Run(budget: 1);
        Assert.Equal(InterruptShadow.Sti, guest.Vcpu.Save().InterruptShadow);
        Assert.Equal(TestGuest.CodeStart + 1, guest.Vcpu.Rip);
        guest.Run(budget: 1);
        Assert.Equal(TestGuest.CodeStart + 2, guest.Vcpu.Rip);

        Assert.IsType<VmExit.Halted>(guest.Run());
        Assert.Equal(GuestTables.HandlerOf(0x60) + 1, guest.Vcpu.Rip);
        Assert.Equal(3ul, guest.Vcpu.InstructionsRetired);
        Assert.Equal(TestGuest.CodeStart + 2, guest.Read64(guest[Gpr.Rsp]));
    }

    [Fact]
    public void An_interrupt_wakes_a_halted_vcpu()
    {
        using var guest = TestGuest.Long(a =>
        {
            a.sti();
            a.hlt();
            a.mov(eax, 5);
            a.cli();
            a.hlt();
        });
        guest.EnableApic();
        guest.Memory.Write(new Gpa(GuestTables.HandlerOf(0x60)), [0x48, 0xCF]);
        Assert.IsType<VmExit.Halted>(guest.Run());
        Assert.IsType<VmExit.Halted>(guest.Run());
        Assert.Equal(2ul, guest.Vcpu.InstructionsRetired);

        Assert.False(guest.Vcpu.CanRun);
        Assert.True(guest.Interrupt(0x60));
        Assert.True(guest.Vcpu.CanRun);

        Assert.IsType<VmExit.Halted>(guest.Run());
        Assert.Equal(5ul, guest[Gpr.Rax]);
    }

    [Fact]
    public void The_trap_flag_raises_a_debug_trap_after_each_instruction()
    {
        using var guest = TestGuest.Long(a =>
        {
            a.push(0x102);
            a.popfq();
            a.inc(eax);
            a.inc(eax);
        });

        Assert.IsType<VmExit.Halted>(guest.Run());
        Assert.Equal(GuestTables.HandlerOf(1) + 1, guest.Vcpu.Rip);
        Assert.Equal(1ul, guest[Gpr.Rax]);
        Assert.Equal(TestGuest.CodeStart + 8, guest.Read64(guest[Gpr.Rsp]));
        Assert.Equal(0xFFFF_4FF0ul, guest.Vcpu.Save().DebugRegisters[4]);
    }

    [Fact]
    public void A_handler_that_can_never_start_ends_the_run()
    {
        using var guest = TestGuest.Long(a =>
        {
            a.nop();
            a.mov(rax, __qword_ptr[rbx]);
        });
        guest[Gpr.Rbx] = 0x50_0000_0000;
        GuestTables.WriteGate64(guest.Memory, 14, handler: 0x50_0000_0000, type: 0xE, dpl: 0, stackTable: 1);

        VmExit.Shutdown shutdown = Assert.IsType<VmExit.Shutdown>(guest.Run());

        Assert.Contains("in a row", shutdown.Reason, StringComparison.Ordinal);
        Assert.Equal(1ul, guest.Vcpu.InstructionsRetired);
    }

    private static void AssertGeneralProtection(TestGuest guest, uint errorCode)
    {
        Assert.IsType<VmExit.Halted>(guest.Run());
        Assert.Equal(GuestTables.HandlerOf(13) + 1, guest.Vcpu.Rip);
        Assert.Equal(errorCode, guest.Read64(guest[Gpr.Rsp]));
        Assert.Equal(TestGuest.CodeStart, guest.Read64(guest[Gpr.Rsp] + 8));
    }

    private static void Raise(Assembler a, string what)
    {
        switch (what)
        {
            case "div":
                a.xor(ecx, ecx);
                a.div(ecx);
                break;
            case "int3":
                a.int3();
                break;
            case "int 41":
                a.@int(0x41);
                break;
            case "noncanonical":
                a.mov(rax, __qword_ptr[rbx]);
                break;
            case "noncanonical stack":
                a.mov(rbp, rbx);
                a.mov(rax, __qword_ptr[rbp]);
                break;
            case "bad ds":
                a.mov(eax, 0xFFFB);
                a.mov(ds, ax);
                break;
            case "hlt":
                a.hlt();
                break;
            case "cli":
                a.cli();
                break;
            case "wrmsr" or "unknown msr":
                a.mov(ecx, 0x1234);
                a.wrmsr();
                break;
            case "reserved cr4":
                a.mov(eax, 1 << 19);
                a.mov(cr4, rax);
                break;
            case "in":
                a.@in(al, 0x60);
                break;
            case "null ss":
                a.xor(eax, eax);
                a.mov(ss, ax);
                break;
        }
    }
}
