// SPDX-License-Identifier: Apache-2.0

using System.Text;
using Iced.Intel;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Machine.Loaders;
using KvmActors.Machine.Tests.Guests;
using KvmActors.Machine.Time;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace KvmActors.Machine.Tests;

public sealed class VirtualMachineTests
{
    private const ushort Com1 = 0x3F8;
    private const ushort DataAddress = 0x7C02;

    [Fact]
    public void A_slice_stops_exactly_at_its_limit_and_how_a_run_is_cut_leaves_no_trace()
    {
        using VirtualMachine whole = GuestRun.Machine(Counter());
        using VirtualMachine cut = GuestRun.Machine(Counter());

        SliceResult result = whole.RunSlice(new SliceLimits(100_003, () => false));
        foreach (ulong until in (ulong[])[1, 2, 3, 19_999, 20_000, 20_001, 77_777, 100_003])
        {
            SliceResult piece = cut.RunSlice(new SliceLimits(until, () => false));
            Assert.Equal(until, piece.VmTime);
            Assert.Equal(SliceStop.LimitReached, piece.Stop);
        }

        Assert.Equal((100_003u, 100_003u), (result.VmTime, result.InstructionsRetired));
        Assert.Equal(whole.HashState(), cut.HashState());
        Assert.Equal(whole.SumMemory(), cut.SumMemory());
    }

    [Fact]
    public void A_slice_whose_limit_is_behind_it_does_nothing()
    {
        using VirtualMachine machine = GuestRun.Machine(Counter());
        _ = machine.RunSlice(new SliceLimits(10, () => false));

        SliceResult result = machine.RunSlice(
            new SliceLimits(5, () => throw new InvalidOperationException("Not asked.")));

        Assert.Equal((SliceStop.LimitReached, 10u), (result.Stop, result.VmTime));
    }

    [Fact]
    public void A_yield_is_honoured_within_one_poll_interval()
    {
        using VirtualMachine machine = GuestRun.Machine(Counter());
        int polls = 0;

        SliceResult result = machine.RunSlice(new SliceLimits(ulong.MaxValue, () => ++polls == 3));

        Assert.Equal(SliceStop.Yielded, result.Stop);
        Assert.Equal(3, polls);
        Assert.InRange(result.VmTime, 2 * VirtualMachine.PollInstructions, 3 * VirtualMachine.PollInstructions);
    }

    [Fact]
    public void HLT_with_nothing_that_could_wake_it_is_a_power_off_and_counts_as_retired()
    {
        var run = GuestRun.Of(GuestRun.Flat(c =>
        {
            c.nop();
            c.sti();
            c.hlt();
        }));

        Assert.Equal(new MachineEnd.PoweredOff(), run.Result.End);
        Assert.Equal(0, run.Result.ExitCode);
        Assert.Equal(3u, run.Result.InstructionsRetired);
    }

    [Fact]
    public void HLT_as_the_last_instruction_of_a_slice_ends_the_VM_in_that_slice()
    {
        using VirtualMachine machine = GuestRun.Machine(GuestRun.Flat(c =>
        {
            c.nop();
            c.hlt();
        }));

        SliceResult result = machine.RunSlice(new SliceLimits(2, () => false));

        Assert.Equal((SliceStop.Ended, 2u), (result.Stop, result.VmTime));
    }

    [Fact]
    public void A_write_to_port_0xF4_ends_the_VM_with_its_value_and_the_OUT_retired()
    {
        var run = GuestRun.Of(GuestRun.Flat(c =>
        {
            c.mov(al, 5);
            c.@out(0xF4, al);
            c.hlt();
        }));

        Assert.Equal(new MachineEnd.DebugExit(5), run.Result.End);
        Assert.Equal(11, run.Result.ExitCode);
        Assert.Equal(2u, run.Result.InstructionsRetired);
    }

    [Fact]
    public void A_VM_that_has_ended_runs_no_further()
    {
        using VirtualMachine machine = GuestRun.Machine(GuestRun.Flat(c => c.hlt()));
        _ = machine.RunSlice(new SliceLimits(ulong.MaxValue, () => false));

        SliceResult again = machine.RunSlice(new SliceLimits(ulong.MaxValue, () => false));

        Assert.Equal((SliceStop.Ended, 1u), (again.Stop, again.VmTime));
    }

    [Fact]
    public void A_triple_fault_ends_the_VM_with_exit_code_4()
    {
        // IDTR.limit = 0: no vector can be delivered, not even #DF.
        var run = GuestRun.Of(GuestRun.Flat(c =>
        {
            _ = DataInFront(c, new byte[6]);
            c.lidt(__[DataAddress]);
            c.int3();
        }));

        Assert.Equal(4, run.Result.ExitCode);
        _ = Assert.IsType<MachineEnd.TripleFault>(run.Result.End);
        Assert.Equal(2u, run.Result.InstructionsRetired);
    }

    [Fact]
    public void An_invalid_opcode_that_no_handler_takes_is_a_triple_fault_at_once()
    {
        // #UD is looked at by the hypervisor before the guest gets it, so this is another way than that of INT3.
        var run = GuestRun.Of(GuestRun.Flat(c =>
        {
            _ = DataInFront(c, new byte[6]);
            c.lidt(__[DataAddress]);
            c.ud2();
        }));

        MachineEnd.TripleFault end = Assert.IsType<MachineEnd.TripleFault>(run.Result.End);
        Assert.StartsWith("Triple fault: ", end.Reason, StringComparison.Ordinal);
        Assert.Equal(2u, run.Result.InstructionsRetired);
    }

    [Theory]
    [InlineData(6, "0F0B", "an invalid opcode whose handler is itself")]
    [InlineData(0, "F7F1", "a division by CX = 0 whose handler is itself")]
    public void A_guest_that_faults_without_end_kills_only_itself(int vector, string code, string why)
    {
        // The handler is the faulting instruction: nothing retires any more, and a real-mode stack wraps without a
        // fault.
        var run = GuestRun.Of(GuestRun.Flat(c =>
        {
            Label fault = DataInFront(c, Convert.FromHexString(code));
            c.mov(__word_ptr[vector * 4], DataAddress);
            c.mov(__word_ptr[(vector * 4) + 2], 0);
            c.mov(ax, 0x2000);
            c.mov(ss, ax);
            c.jmp(fault);
        }));

        Assert.True(run.Result.End is MachineEnd.TripleFault, $"{why}: {run.Result.End}");
        Assert.Equal(6u, run.Result.InstructionsRetired);
    }

    [Fact]
    public void Input_arrives_at_the_VM_time_it_is_injected_at_and_comes_back_as_output()
    {
        using VirtualMachine machine = GuestRun.Machine(Echo());
        SliceResult before = machine.RunSlice(new SliceLimits(1000, () => false));
        machine.InjectInput("abc"u8);

        SliceResult after = machine.RunSlice(new SliceLimits(2000, () => false));

        Assert.Equal(0, before.Console.Length);
        Assert.Equal(0u, before.ConsoleOffset);
        Assert.Equal("abc", Encoding.ASCII.GetString(after.Console.Span));
        Assert.Equal(0u, after.ConsoleOffset);
        SliceResult last = machine.RunSlice(new SliceLimits(3000, () => false));
        Assert.Equal((3u, 0), ((uint)last.ConsoleOffset, last.Console.Length));
    }

    [Fact]
    public void REP_OUTS_and_REP_INS_count_each_iteration_and_can_be_stopped_between_two()
    {
        BootImage image = GuestRun.Flat(c =>
        {
            _ = DataInFront(c, "hello"u8.ToArray());
            c.mov(dx, Com1);
            c.mov(si, DataAddress);
            c.mov(cx, 5);
            c.rep.outsb();
            c.hlt();
        });
        using VirtualMachine machine = GuestRun.Machine(image);

        SliceResult part = machine.RunSlice(new SliceLimits(6, () => false));
        SliceResult rest = machine.RunSlice(new SliceLimits(ulong.MaxValue, () => false));

        Assert.Equal("he", Encoding.ASCII.GetString(part.Console.Span));
        Assert.Equal("llo", Encoding.ASCII.GetString(rest.Console.Span));
        Assert.Equal(2u, rest.ConsoleOffset);
        Assert.Equal(10u, rest.InstructionsRetired);
    }

    [Fact]
    public void A_slice_with_much_output_yields_by_itself_and_no_byte_is_lost()
    {
        using VirtualMachine machine = GuestRun.Machine(GuestRun.Flat(c =>
        {
            Label next = c.CreateLabel();
            c.mov(dx, Com1);
            c.mov(ecx, VirtualMachine.ConsoleBytesPerSliceMax + 100);
            c.mov(al, (sbyte)'x');
            c.Label(ref next);
            c.@out(dx, al);
            c.dec(ecx);
            c.jnz(next);
            c.hlt();
        }));

        SliceResult first = machine.RunSlice(new SliceLimits(ulong.MaxValue, () => false));
        SliceResult second = machine.RunSlice(new SliceLimits(ulong.MaxValue, () => false));

        Assert.Equal((SliceStop.Yielded, SliceStop.Ended), (first.Stop, second.Stop));
        Assert.Equal(VirtualMachine.ConsoleBytesPerSliceMax, first.Console.Length);
        Assert.Equal((ulong)first.Console.Length, second.ConsoleOffset);
        Assert.Equal(100, second.Console.Length);
    }

    [Fact]
    public void A_guest_that_makes_ever_new_hypercall_sites_fills_the_table_and_is_then_answered_in_place()
    {
        const int Tried = PatchSiteTable.SitesMax + 300;
        var run = GuestRun.Of(SiteMaker(Tried), HostVendor.Intel);

        Assert.Equal(new MachineEnd.DebugExit(0), run.Result.End);
        Assert.Equal(PatchSiteTable.SitesMax, run.Result.Patches.Length);
    }

    [Theory]
    [InlineData(17, 1 << 20, 20_000, "Expected 1 to 16 vCPUs, found 17")]
    [InlineData(1, 4097 * 16, 20_000, "a multiple of 4096")]
    [InlineData(1, 4096, 20_000, "64 KiB")]
    [InlineData(1, 1 << 20, 0, "at least 1 tick")]
    public void A_spec_that_cannot_be_served_is_refused_with_the_reason(int vcpus, int memory, int turn, string reason)
    {
        MachineSpec spec = new(vcpus, (ulong)memory, HypercallPatchPolicy.Auto, (ulong)turn);

        ArgumentException refused = Assert.Throws<ArgumentException>(
            () => VirtualMachine.Create(spec, [TestCpuid.Table], HostVendor.Intel, Counter()));

        Assert.Contains(reason, refused.Message, StringComparison.Ordinal);
    }

    /// <summary>Bytes at <see cref="DataAddress"/>, behind a short jump over them; the label is theirs.</summary>
    private static Label DataInFront(Assembler c, byte[] bytes)
    {
        Label data = c.CreateLabel();
        Label behind = c.CreateLabel();
        c.jmp(behind);
        c.Label(ref data);
        c.db(bytes);
        c.Label(ref behind);
        return data;
    }

    private static BootImage Counter() => GuestRun.Flat(c =>
    {
        Label next = c.CreateLabel();
        c.xor(eax, eax);
        c.mov(bx, 0x2000);
        c.Label(ref next);
        c.inc(eax);
        c.mov(__dword_ptr[bx], eax);
        c.jmp(next);
    });

    private static BootImage Echo() => GuestRun.Flat(c =>
    {
        Label wait = c.CreateLabel();
        c.Label(ref wait);
        c.mov(dx, Com1 + 5);
        c.@in(al, dx);
        c.test(al, 1);
        c.jz(wait);
        c.mov(dx, Com1);
        c.@in(al, dx);
        c.@out(dx, al);
        c.jmp(wait);
    });

    /// <summary>Writes VMMCALL and RET at ever new addresses and calls them.</summary>
    private static BootImage SiteMaker(int sites) => GuestRun.Flat(c =>
    {
        Label next = c.CreateLabel();
        Label wrong = c.CreateLabel();
        c.xor(ax, ax);
        c.mov(ds, ax);
        c.mov(bp, (short)sites);
        c.mov(di, 0x8000);
        c.Label(ref next);
        c.mov(__dword_ptr[di], unchecked((int)0xC3D9_010F));
        c.mov(eax, 1);
        c.call(di);
        c.test(eax, eax);
        c.jnz(wrong);
        c.add(di, 4);
        c.dec(bp);
        c.jnz(next);
        c.Label(ref wrong);
        c.@out(0xF4, eax);
        c.hlt();
    });
}
