// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Debugging;
using KvmActors.Cpu.State;
using KvmActors.Cpu.Tests.Execute;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace KvmActors.Cpu.Tests.Debugging;

/// <summary>A debugger's stops: where they are, and that the guest cannot tell.</summary>
public sealed class GuestDebugTests
{
    private const ulong Data = TestGuest.DataStart;

    [Fact]
    public void A_breakpoint_stops_before_its_instruction_and_going_on_passes_it()
    {
        using TestGuest guest = Loop(rounds: 3);
        ulong inc = TestGuest.CodeStart + 5;
        guest.Vcpu.GuestDebug = Break(inc);

        for (ulong round = 0; round < 3; round++)
        {
            VmExit.Debug exit = Assert.IsType<VmExit.Debug>(guest.Run());

            Assert.Equal(new DebugHit.Breakpoint(0, new Gva(inc)), exit.Hit);
            Assert.Equal((inc, round), (guest.Vcpu.Rip, guest[Gpr.Rax]));
            Assert.Equal(1 + (round * 3), guest.Vcpu.InstructionsRetired);
        }

        _ = Assert.IsType<VmExit.Halted>(guest.Run());
        Assert.Equal(3ul, guest[Gpr.Rax]);
    }

    [Fact]
    public void A_breakpoint_in_a_block_that_has_run_before_stops_and_can_be_taken_away()
    {
        using TestGuest guest = Loop(rounds: 1000);
        _ = Assert.IsType<VmExit.BudgetSpent>(guest.Run(budget: 500));
        guest.Vcpu.GuestDebug = Break(TestGuest.CodeStart + 5);

        _ = Assert.IsType<VmExit.Debug>(guest.Run());
        guest.Vcpu.GuestDebug = GuestDebug.None;

        _ = Assert.IsType<VmExit.Halted>(guest.Run());
        Assert.Equal(1000ul, guest[Gpr.Rax]);
    }

    [Theory]
    [InlineData(WatchKind.Write, 2)]
    [InlineData(WatchKind.Read, 1)]
    [InlineData(WatchKind.Access, 3)]
    public void A_watchpoint_stops_behind_each_access_of_its_kind(WatchKind kind, int expected)
    {
        using var guest = TestGuest.Long(a =>
        {
            a.mov(__dword_ptr[Data], eax);
            a.mov(__dword_ptr[Data + 8], eax);
            a.mov(ebx, __dword_ptr[Data + 2]);
            a.mov(ecx, __dword_ptr[Data + 4]);
            a.mov(__byte_ptr[Data + 3], al);
            a.mov(__byte_ptr[Data + 4], al);
            a.hlt();
        });
        Watchpoint watchpoint = new(new Gva(Data), 4, kind);
        guest.Vcpu.GuestDebug = new GuestDebug([], [watchpoint]);

        List<ulong> met = [];
        while (guest.Run() is VmExit.Debug exit)
        {
            Assert.Equal(watchpoint, Assert.IsType<DebugHit.Watch>(exit.Hit).Watchpoint);
            met.Add(guest.Vcpu.InstructionsRetired);
        }

        ulong[] writes = [1, 5];
        ulong[] reads = [3];
        Assert.Equal(expected, met.Count);
        Assert.Equal(
            kind switch
            {
                WatchKind.Write => writes,
                WatchKind.Read => reads,
                WatchKind.Access => writes.Concat(reads).Order(),
            },
            met);
        Assert.Equal(7ul, guest.Vcpu.InstructionsRetired);
    }

    /// <summary>The store of a read-modify-write is checked before its load, and must not be lost behind it.</summary>
    [Fact]
    public void A_read_modify_write_stops_with_its_store_done()
    {
        using var guest = TestGuest.Long(a =>
        {
            a.inc(__dword_ptr[Data]);
            a.@lock.xadd(__dword_ptr[Data], eax);
            a.hlt();
        });
        guest[Gpr.Rax] = 5;
        guest.Vcpu.GuestDebug = new GuestDebug([], [new Watchpoint(new Gva(Data), 4, WatchKind.Write)]);

        Assert.NotNull(Assert.IsType<VmExit.Debug>(guest.Run()).Hit);
        Assert.Equal((1ul, 1ul), (guest.Read64(Data), guest.Vcpu.InstructionsRetired));
        Assert.NotNull(Assert.IsType<VmExit.Debug>(guest.Run()).Hit);
        Assert.Equal((6ul, 2ul), (guest.Read64(Data), guest.Vcpu.InstructionsRetired));
        _ = Assert.IsType<VmExit.Halted>(guest.Run());
    }

    [Fact]
    public void A_watchpoint_over_a_page_boundary_sees_a_store_to_either_page()
    {
        const ulong Boundary = Data + 0x1000;
        using var guest = TestGuest.Long(a =>
        {
            a.mov(__qword_ptr[Boundary - 4], rax);
            a.mov(__byte_ptr[Boundary + 1], al);
            a.mov(__byte_ptr[Boundary + 2], al);
            a.hlt();
        });
        guest.Vcpu.GuestDebug = new GuestDebug([], [new Watchpoint(new Gva(Boundary - 2), 4, WatchKind.Write)]);

        Assert.Equal(
            new Gva(Boundary - 4), ((DebugHit.Watch)Assert.IsType<VmExit.Debug>(guest.Run()).Hit!).Address);
        Assert.Equal(
            new Gva(Boundary + 1), ((DebugHit.Watch)Assert.IsType<VmExit.Debug>(guest.Run()).Hit!).Address);
        _ = Assert.IsType<VmExit.Halted>(guest.Run());
    }

    /// <summary>One iteration of a repeated string instruction is one instruction of the count.</summary>
    [Fact]
    public void A_repeated_store_stops_at_the_iteration_that_meets_the_watchpoint()
    {
        using var guest = TestGuest.Long(a =>
        {
            a.mov(ecx, 1000);
            a.mov(edi, (uint)Data);
            a.rep.stosb();
            a.hlt();
        });
        guest.Vcpu.GuestDebug = new GuestDebug([], [new Watchpoint(new Gva(Data + 700), 1, WatchKind.Write)]);

        _ = Assert.IsType<VmExit.Debug>(guest.Run());

        Assert.Equal((Data + 701, 299ul), (guest[Gpr.Rdi], guest[Gpr.Rcx]));
        _ = Assert.IsType<VmExit.Halted>(guest.Run());
        Assert.Equal(Data + 1000, guest[Gpr.Rdi]);
    }

    [Fact]
    public void An_access_that_faults_meets_nothing()
    {
        using var guest = TestGuest.Long(a =>
        {
            // Reads what is watched, then pushes where nothing is mapped.
            a.mov(rsp, 0xFFFF_8000_0000_0000ul);
            a.push(__qword_ptr[Data]);
            a.hlt();
        });
        guest.Vcpu.GuestDebug = new GuestDebug([], [new Watchpoint(new Gva(Data), 8, WatchKind.Read)]);

        Assert.IsNotType<VmExit.Debug>(guest.Run());
    }

    [Fact]
    public void A_port_read_into_watched_memory_is_reported_by_the_next_run()
    {
        using var guest = TestGuest.Long(a =>
        {
            a.mov(edi, (uint)Data);
            a.mov(edx, 0x60);
            a.insb();
            a.hlt();
        });
        guest.Vcpu.GuestDebug = new GuestDebug([], [new Watchpoint(new Gva(Data), 1, WatchKind.Write)]);

        _ = Assert.IsType<VmExit.PortRead>(guest.Run());
        guest.Vcpu.CompletePortRead(0x5A);

        _ = Assert.IsType<DebugHit.Watch>(Assert.IsType<VmExit.Debug>(guest.Run()).Hit);
        Assert.Equal(3ul, guest.Vcpu.InstructionsRetired);
        _ = Assert.IsType<VmExit.Halted>(guest.Run());
    }

    [Fact]
    public void A_delivery_is_a_step_that_costs_nothing()
    {
        using var guest = TestGuest.Long(a => a.ud2());
        guest.Vcpu.StopsAtDelivery = true;
        guest.Vcpu.GuestDebug = Break(TestGuest.CodeStart);

        Assert.NotNull(Assert.IsType<VmExit.Debug>(guest.Run()).Hit);
        Assert.Equal(0, guest.Vcpu.CostlessSteps);
        VmExit exit = guest.Run();

        Assert.True(exit is VmExit.InvalidOpcode or VmExit.Debug { Hit: null }, exit.ToString());
        Assert.Equal((1, 0ul), (guest.Vcpu.CostlessSteps, guest.Vcpu.InstructionsRetired));
    }

    [Fact]
    public void Translation_for_a_debugger_sets_no_accessed_bit()
    {
        using var guest = TestGuest.Long(a => a.hlt());
        ulong entry = GuestTables.PageTableOfFirst2M + (0x6_0000 >> 12 << 3);
        ulong before = guest.Read64(entry);

        Assert.Equal(new Gpa(0x6_0123), guest.Vcpu.Translate(new Gva(0x6_0123)));
        Assert.Null(guest.Vcpu.Translate(new Gva(0xFFFF_8000_0000_0000)));
        Assert.Null(guest.Vcpu.Translate(new Gva(0x8000_0000_0000_0000)));
        Assert.Equal(before, guest.Read64(entry));
    }

    private static GuestDebug Break(ulong linear) => new([new Gva(linear)], []);

    /// <summary>MOV ECX; then at +5 INC EAX, DEC ECX, JNZ; HLT.</summary>
    private static TestGuest Loop(uint rounds)
    {
        var guest = TestGuest.Long(a =>
        {
            Iced.Intel.Label again = a.CreateLabel();
            a.mov(ecx, rounds);
            a.Label(ref again);
            a.inc(eax);
            a.dec(ecx);
            a.jnz(again);
            a.hlt();
        });
        guest[Gpr.Rax] = 0;
        return guest;
    }
}
