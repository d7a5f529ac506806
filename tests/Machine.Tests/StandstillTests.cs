// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Machine.Tests.Guests;
using KvmActors.Machine.Time;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace KvmActors.Machine.Tests;

/// <summary>VM time while no vCPU can run: it jumps, or goes no further than it is allowed to.</summary>
public sealed class StandstillTests
{
    private const ulong Second = 1_000_000_000;

    /// <summary>Counts in 0500h the interrupts of the 8254, which come every 10 milliseconds, and halts between
    /// them.</summary>
    private static VirtualMachine Ticking() => With8259Mask(0xFE);

    private static VirtualMachine With8259Mask(byte mask) => GuestRun.Machine(GuestRun.Flat(a =>
    {
        const ushort Divisor = 11932;
        const ushort Handler = 0x7C02;
        Label start = a.CreateLabel();
        Label rest = a.CreateLabel();
        a.jmp(start);
        a.inc(__word_ptr[0x500]);
        a.mov(al, 0x20);
        a.@out(0x20, al);
        a.iret();
        a.Label(ref start);
        a.xor(ax, ax);
        a.mov(ds, ax);
        a.mov(ss, ax);
        a.mov(sp, 0x7000);
        a.mov(__word_ptr[0x20], Handler);
        a.mov(__word_ptr[0x22], ds);
        foreach ((byte port, byte value) in new (byte, byte)[]
        {
            (0x20, 0x11), (0x21, 8), (0x21, 4), (0x21, 1), (0x21, mask), (0x43, 0x34), (0x40, Divisor & 0xFF),
            (0x40, Divisor >> 8),
        })
        {
            a.mov(al, value);
            a.@out(port, al);
        }

        a.sti();
        a.Label(ref rest);
        a.hlt();
        a.jmp(rest);
    }));

    [Fact]
    public void By_default_VM_time_jumps_from_timer_to_timer()
    {
        using VirtualMachine machine = Ticking();
        SliceResult slice = machine.RunSlice(new SliceLimits(Second, () => false));

        Assert.Equal(SliceStop.LimitReached, slice.Stop);
        Assert.Equal(Second, machine.VmTime);
        Assert.InRange(Interrupts(machine), 99, 100);
    }

    [Fact]
    public void VM_time_stands_where_it_may_stand_still_no_further_and_the_next_timer_is_told()
    {
        using VirtualMachine machine = Ticking();
        SliceResult started = machine.RunSlice(new SliceLimits(Second, () => false) { StandStillUntil = 0 });
        Assert.Equal(SliceStop.Resting, started.Stop);
        int before = Interrupts(machine);
        Assert.InRange(started.WakesAt, started.VmTime + 9_900_000, started.VmTime + 10_100_000);

        ulong halfway = (started.VmTime + started.WakesAt) / 2;
        SliceResult waited = machine.RunSlice(new SliceLimits(Second, () => false) { StandStillUntil = halfway });
        Assert.Equal((SliceStop.Resting, halfway, started.WakesAt), (waited.Stop, waited.VmTime, waited.WakesAt));
        Assert.Equal(before, Interrupts(machine));

        // The 8254's output falls, and rises a clock of it later, which is what interrupts.
        ulong behind = started.WakesAt + 1_000;
        SliceResult woken = machine.RunSlice(new SliceLimits(Second, () => false) { StandStillUntil = behind });
        Assert.Equal(SliceStop.Resting, woken.Stop);
        Assert.Equal(before + 1, Interrupts(machine));
    }

    [Fact]
    public void A_timer_that_is_masked_everywhere_wakes_nobody()
    {
        using VirtualMachine machine = With8259Mask(0xFF);
        SliceResult slice = machine.RunSlice(new SliceLimits(Second, () => false) { StandStillUntil = Second / 2 });

        Assert.Equal((SliceStop.Resting, Second / 2), (slice.Stop, slice.VmTime));
        Assert.Equal(ulong.MaxValue, slice.WakesAt);
    }

    [Fact]
    public void How_long_it_was_allowed_to_stand_still_at_a_time_leaves_no_trace()
    {
        using VirtualMachine jumping = Ticking();
        _ = jumping.RunSlice(new SliceLimits(Second, () => false));
        using VirtualMachine paced = Ticking();
        for (ulong allowed = 0; paced.VmTime < Second; allowed += 3_333_333)
        {
            // Each rest is met twice: right behind the HLT that begins it, and on its way.
            RunPaced(paced, standStillUntil: 0);
            RunPaced(paced, allowed);
        }

        Assert.Equal(jumping.HashState(), paced.HashState());
        Assert.Equal(jumping.InstructionsRetired, paced.InstructionsRetired);
        Assert.Equal(jumping.SumMemory(), paced.SumMemory());
    }

    private static void RunPaced(VirtualMachine paced, ulong standStillUntil)
    {
        _ = paced.RunSlice(new SliceLimits(Second, () => false) { StandStillUntil = standStillUntil });
        using VirtualMachine replay = Ticking();
        _ = replay.RunSlice(new SliceLimits(paced.VmTime, () => false));
        Assert.Equal(replay.HashState(), paced.HashState());
    }

    private static ushort Interrupts(VirtualMachine machine)
    {
        Span<byte> count = stackalloc byte[2];
        machine.Memory.Read(new Cpu.Gpa(0x500), count);
        return BitConverter.ToUInt16(count);
    }
}
