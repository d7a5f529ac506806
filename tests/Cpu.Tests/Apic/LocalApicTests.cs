// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.Apic;
using KvmActors.Cpu.State;
using KvmActors.Cpu.Tests.Execute;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace KvmActors.Cpu.Tests.Apic;

/// <summary>The local APIC as a guest sees it, by its page and by MSRs.</summary>
public sealed class LocalApicTests
{
    private const uint Page = 0xFEE0_0000;
    private const uint Spurious = Page + 0xF0;
    private const uint Command = Page + 0x300;
    private const uint LvtTimer = Page + 0x320;
    private const uint InitialCount = Page + 0x380;
    private const uint Divide = Page + 0x3E0;
    private const byte IretOpcode = 0xCF;

    private static void Enable(Assembler a) => a.mov(__dword_ptr[Spurious], 0x1FF);

    /// <summary>Runs as a machine does: no further than the timer's next deadline.</summary>
    private static VmExit RunWithTime(TestGuest guest, ulong until)
    {
        while (true)
        {
            ulong now = guest.Vcpu.InstructionsRetired;
            guest.Vcpu.Advance(now);
            ulong next = Math.Min(guest.Vcpu.NextDeadline ?? until, until);
            VmExit exit = guest.Vcpu.Run(next - now, now);
            if (exit is not (VmExit.BudgetSpent or VmExit.DeadlineChanged) || guest.Vcpu.InstructionsRetired >= until)
            {
                return exit;
            }
        }
    }

    [Fact]
    public void The_page_answers_version_and_id_and_registers_keep_what_they_define()
    {
        using var guest = TestGuest.Protected(a =>
        {
            a.mov(eax, __dword_ptr[Page + 0x30]);
            a.mov(ebx, __dword_ptr[Page + 0x20]);
            a.mov(__dword_ptr[Page + 0x80], 0x125);
            a.mov(ecx, __dword_ptr[Page + 0x80]);
            a.mov(edx, __dword_ptr[Page + 0x400]);
            a.hlt();
        });

        Assert.IsType<VmExit.Halted>(guest.Run());
        Assert.Equal(0x0005_0014ul, guest[Gpr.Rax]);
        Assert.Equal(0ul, guest[Gpr.Rbx]);
        Assert.Equal(0x25ul, guest[Gpr.Rcx]);
        Assert.Equal(0ul, guest[Gpr.Rdx]);
        Assert.Equal(6ul, guest.Vcpu.InstructionsRetired);
        Assert.Equal(2ul, guest.Vcpu.Save().Cr8);
    }

    [Fact]
    public void A_self_ipi_interrupts_right_behind_the_command_and_EOI_ends_it()
    {
        using var guest = TestGuest.Protected(a =>
        {
            Enable(a);
            a.sti();
            a.nop();
            a.mov(__dword_ptr[Command], 0x0004_4000 | 0x41);
            a.inc(eax);
            a.mov(ecx, __dword_ptr[Page + 0x120]);
            a.mov(__dword_ptr[Page + 0xB0], 0);
            a.mov(edx, __dword_ptr[Page + 0x120]);
            a.hlt();
        });
        guest.Memory.Write(new Gpa(GuestTables.HandlerOf(0x41)), [0x89, 0xC3, IretOpcode]);

        Assert.IsType<VmExit.Halted>(guest.Run());
        Assert.Equal((0ul, 1ul), (guest[Gpr.Rbx], guest[Gpr.Rax]));
        Assert.Equal((2ul, 0ul), (guest[Gpr.Rcx], guest[Gpr.Rdx]));
    }

    [Fact]
    public void A_vector_at_or_below_the_task_priority_waits_until_it_is_lowered()
    {
        using var guest = TestGuest.Long(a =>
        {
            a.mov(eax, 6);
            a.mov(cr8, rax);
            a.sti();
            a.nop();
            a.inc(ebx);
            a.xor(eax, eax);
            a.mov(cr8, rax);
            a.inc(ebx);
        });
        guest.EnableApic();
        guest.Interrupt(0x6F);

        Assert.IsType<VmExit.Halted>(guest.Run());
        Assert.Equal(GuestTables.HandlerOf(0x6F) + 1, guest.Vcpu.Rip);
        Assert.Equal(1ul, guest[Gpr.Rbx]);
    }

    [Fact]
    public void A_one_shot_timer_fires_at_exactly_its_instruction()
    {
        using var guest = TestGuest.Protected(a =>
        {
            Enable(a);
            a.mov(__dword_ptr[Divide], 0xB);
            a.mov(__dword_ptr[LvtTimer], 0x50);
            a.mov(__dword_ptr[InitialCount], 100);
            a.sti();
            Label again = a.CreateLabel();
            a.Label(ref again);
            a.inc(eax);
            a.jmp(again);
        });

        Assert.IsType<VmExit.Halted>(RunWithTime(guest, until: 10_000));

        // Started by the fourth instruction at VM time 3: 103 instructions, then the handler's HLT.
        Assert.Equal(GuestTables.HandlerOf(0x50) + 1, guest.Vcpu.Rip);
        Assert.Equal(104ul, guest.Vcpu.InstructionsRetired);
    }

    [Fact]
    public void A_periodic_timer_fires_once_a_period()
    {
        using var guest = TestGuest.Protected(a =>
        {
            Enable(a);
            a.mov(__dword_ptr[Divide], 0xB);
            a.mov(__dword_ptr[LvtTimer], 0x2_0050);
            a.mov(__dword_ptr[InitialCount], 20_000);
            a.sti();
            Label again = a.CreateLabel();
            a.Label(ref again);
            a.jmp(again);
        });
        guest.Memory.Write(
            new Gpa(GuestTables.HandlerOf(0x50)),
            [0x43, 0xE9, .. BitConverter.GetBytes((int)(0x9000 - GuestTables.HandlerOf(0x50) - 6))]);
        guest.Memory.Write(new Gpa(0x9000), [0xC7, 0x05, 0xB0, 0x00, 0xE0, 0xFE, 0, 0, 0, 0, IretOpcode]);

        RunWithTime(guest, until: 100_000);

        Assert.Equal(4ul, guest[Gpr.Rbx]);
    }

    [Fact]
    public void The_tsc_deadline_fires_when_the_counter_is_there()
    {
        using var guest = TestGuest.Long(a =>
        {
            a.mov(ecx, 0x6E0);
            a.mov(eax, 500);
            a.xor(edx, edx);
            a.wrmsr();
            a.rdmsr();
            a.mov(esi, eax);
            a.sti();
            Label again = a.CreateLabel();
            a.Label(ref again);
            a.jmp(again);
        });
        guest.EnableApic();
        guest.Change(state => state with
        {
            Apic = state.Apic with
            {
                Registers = state.Apic.Registers.SetItem(0x320, 0x51).SetItem(0x322, 4),
            },
        });

        Assert.IsType<VmExit.Halted>(RunWithTime(guest, until: 10_000));
        Assert.Equal(500ul, guest[Gpr.Rsi]);
        Assert.Equal(501ul, guest.Vcpu.InstructionsRetired);
        Assert.Null(guest.Vcpu.NextDeadline);
    }

    [Fact]
    public void X2apic_is_entered_by_the_base_and_the_page_is_gone()
    {
        using var guest = TestGuest.Long(a =>
        {
            a.mov(ecx, 0x1B);
            a.rdmsr();
            a.or(eax, 0x400);
            a.wrmsr();
            a.mov(ecx, 0x803);
            a.rdmsr();
            a.mov(esi, eax);
            a.mov(ecx, 0x83F);
            a.mov(eax, 0x70);
            a.sti();
            a.wrmsr();
            a.nop();
        });
        guest.EnableApic();

        Assert.IsType<VmExit.Halted>(guest.Run());
        Assert.Equal(0x0005_0014ul, guest[Gpr.Rsi]);
        Assert.Equal(GuestTables.HandlerOf(0x70) + 1, guest.Vcpu.Rip);
    }

    [Theory]
    [InlineData(0x80E)]
    [InlineData(0x831)]
    [InlineData(0x80B)]
    public void An_x2apic_register_that_cannot_be_read_is_a_fault(int msr)
    {
        using var guest = TestGuest.Long(a =>
        {
            a.mov(ecx, 0x1B);
            a.rdmsr();
            a.or(eax, 0x400);
            a.wrmsr();
            a.mov(ecx, msr);
            a.rdmsr();
        });

        Assert.IsType<VmExit.Halted>(guest.Run());
        Assert.Equal(GuestTables.HandlerOf(13) + 1, guest.Vcpu.Rip);
    }

    [Fact]
    public void An_nmi_is_taken_with_IF_clear_and_the_next_one_waits_for_IRET()
    {
        using var guest = TestGuest.Protected(a =>
        {
            Enable(a);
            a.mov(__dword_ptr[Command], 0x0004_4400);
            a.inc(eax);
            a.hlt();
        });

        // The handler sends itself another one, counts, and returns: the second is taken behind the IRET.
        guest.Memory.Write(
            new Gpa(GuestTables.HandlerOf(2)),
            [0xE9, .. BitConverter.GetBytes((int)(0x9000 - GuestTables.HandlerOf(2) - 5))]);
        guest.Memory.Write(
            new Gpa(0x9000),
            [
                0x43, 0x83, 0xFB, 0x03, 0x74, 0x0A, 0xC7, 0x05, 0x00, 0x03, 0xE0, 0xFE, 0x00, 0x44, 0x04, 0x00,
                IretOpcode,
            ]);

        Assert.IsType<VmExit.Halted>(guest.Run());
        Assert.Equal((1ul, 3ul), (guest[Gpr.Rax], guest[Gpr.Rbx]));
    }

    [Fact]
    public void An_init_and_a_start_up_ipi_start_an_application_processor_at_its_page()
    {
        using Cpu.Memory.GuestMemory memory = new(1 << 20);
        using Vcpu vcpu = new(index: 1, memory);
        memory.Write(new Gpa(0x9000), [0x40, 0xF4]);
        var init = InterruptMessage.OfCommand(0x0000_4500, destination: 1, isWide: false);
        var start = InterruptMessage.OfCommand(0x0000_4609, destination: 1, isWide: false);
        Assert.True(vcpu.IsAddressed(init));
        Assert.False(vcpu.CanRun);

        vcpu.TryReceive(init);
        Assert.IsType<VmExit.Halted>(vcpu.Run(10, vmTime: 0));
        Assert.Equal(VcpuActivity.WaitForSipi, vcpu.Activity);
        vcpu.TryReceive(start);
        Assert.True(vcpu.CanRun);

        Assert.IsType<VmExit.Halted>(vcpu.Run(10, vmTime: 0));
        Assert.Equal((1ul, 2ul), (vcpu.ReadGpr(Gpr.Rax), vcpu.Rip));
        Assert.Equal(0x900, vcpu.Save().Segments[1].Selector);
    }

    [Fact]
    public void Saved_and_restored_in_between_it_goes_on_the_same()
    {
        using var guest = TestGuest.Protected(a =>
        {
            Enable(a);
            a.mov(__dword_ptr[Divide], 0);
            a.mov(__dword_ptr[LvtTimer], 0x50);
            a.mov(__dword_ptr[InitialCount], 1000);
            a.sti();
            Label again = a.CreateLabel();
            a.Label(ref again);
            a.jmp(again);
        });
        RunWithTime(guest, until: 500);

        VcpuState saved = guest.Vcpu.Save();
        guest.Vcpu.Restore(saved);
        Assert.Equal(saved.Apic, guest.Vcpu.Save().Apic);

        Assert.IsType<VmExit.Halted>(RunWithTime(guest, until: 10_000));
        Assert.Equal(2004ul, guest.Vcpu.InstructionsRetired);
    }

    [Theory]
    [InlineData(0xFFFF_FFFF, 0x0100_0000u, 0x01, true)]
    [InlineData(0xFFFF_FFFF, 0x0200_0000u, 0x01, false)]
    [InlineData(0x0FFF_FFFF, 0x1200_0000u, 0x12, true)]
    [InlineData(0x0FFF_FFFF, 0x2200_0000u, 0x12, false)]
    public void A_logical_destination_is_a_mask_or_a_cluster(uint format, uint logicalId, byte destination, bool isMine)
    {
        LocalApic apic = new(index: 0);
        apic.SetMode(ApicMode.XApic);
        apic.Write(ApicRegister.DestinationFormat, format, now: 0);
        apic.Write(ApicRegister.LogicalDestination, logicalId, now: 0);

        Assert.Equal(
            isMine, apic.IsAddressed(InterruptMessage.OfCommand(0x0000_0830, destination, isWide: false)));
    }

    [Fact]
    public void A_vector_below_16_is_an_error_and_not_sent()
    {
        using var guest = TestGuest.Protected(a =>
        {
            Enable(a);
            a.mov(__dword_ptr[Page + 0x370], 0x61);
            a.sti();
            a.nop();
            a.mov(__dword_ptr[Command], 0x0004_4005);
            a.nop();
        });

        Assert.IsType<VmExit.Halted>(guest.Run());
        Assert.Equal(GuestTables.HandlerOf(0x61) + 1, guest.Vcpu.Rip);
    }
}
