// SPDX-License-Identifier: Apache-2.0

using System.Globalization;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Machine.Loaders;
using KvmActors.Machine.Tests.Guests;
using KvmActors.Machine.Time;
using KvmActors.Samples.Guests;
using Xunit;
using Xunit.Abstractions;

namespace KvmActors.Machine.Tests.BothWays;

/// <summary>A run that is stopped at every instruction, and one that is saved and goes on in a fresh machine now and
/// then, end in the state of the run that nobody touched.</summary>
public sealed class BothWaysTests(ITestOutputHelper output)
{
    private const ulong MixedInstructionsMax = 200_000;
    private const ulong ImageInstructions = 20_000_000;

    [Fact]
    public void The_mixed_guest_does_what_it_is_for()
    {
        using VirtualMachine machine = MixedGuest.Machine();
        SliceResult result = machine.RunSlice(new SliceLimits(MixedInstructionsMax, () => false));
        output.WriteLine($"{machine.InstructionsRetired} instructions, {machine.End}");

        _ = Assert.IsType<MachineEnd.DebugExit>(machine.End);
        Assert.Equal("............", System.Text.Encoding.ASCII.GetString(result.Console.Span));
        _ = Assert.Single(result.Patches);
        Assert.All(machine.Save().Vcpus, vcpu => Assert.True(vcpu.InstructionsRetired > 500, $"{vcpu.Index}"));
        byte[] counters = new byte[12];
        machine.Memory.Read(new Cpu.Gpa(0x8010), counters);
        Assert.True(BitConverter.ToUInt32(counters) >= 12, "timer interrupts");
        Assert.True(BitConverter.ToUInt32(counters, 8) >= 12, "page faults");
    }

    [Fact]
    public void Stopped_at_every_instruction_it_is_the_same_run()
    {
        using VirtualMachine whole = MixedGuest.Machine();
        _ = whole.RunSlice(new SliceLimits(MixedInstructionsMax, () => false));
        using VirtualMachine stepped = MixedGuest.Machine();
        while (stepped.End is null)
        {
            ulong next = stepped.VmTime + 1;
            _ = stepped.RunSlice(new SliceLimits(next, () => false));
            Assert.True(stepped.VmTime == next || stepped.End is not null, $"at {next}, found {stepped.VmTime}");
        }

        AssertSame(whole, stepped, "stepped");
    }

    [Fact]
    public void Whether_a_count_is_reached_at_once_or_step_by_step_the_state_there_is_the_same()
    {
        using VirtualMachine stepped = MixedGuest.Machine();
        using VirtualMachine slicedAtPrimes = MixedGuest.Machine();
        const ulong Stride = 101;
        while (slicedAtPrimes.End is null)
        {
            ulong until = slicedAtPrimes.VmTime + Stride;
            _ = slicedAtPrimes.RunSlice(new SliceLimits(until, () => false));
            while (stepped.VmTime < until && stepped.End is null)
            {
                _ = stepped.RunSlice(new SliceLimits(stepped.VmTime + 1, () => false));
            }

            AssertSame(slicedAtPrimes, stepped, $"at {until}");
        }
    }

    [Fact]
    public void Moved_to_a_fresh_machine_at_random_counts_it_is_the_same_run() =>
        MoveAtRandom(MixedGuest.Machine, MixedInstructionsMax, cutMax: 300, moves: 2);

    [Fact]
    public void The_story_guest_moved_at_random_counts_is_the_same_run() => MoveAtRandom(
        () => GuestRun.Machine(
            BootImageLoader.Load(StoryGuest.Build(HostVendor.Intel, StoryGuestSize.Short), ""), HostVendor.Amd),
        ulong.MaxValue,
        cutMax: 400_000,
        moves: 2);

    /// <summary>With KVMACTORS_IMAGE=FILE, any image that <c>kvmactors run</c> takes.</summary>
    [Fact]
    public void Any_image_moved_at_random_counts_is_the_same_run()
    {
        if (Environment.GetEnvironmentVariable("KVMACTORS_IMAGE") is not { Length: > 0 } path)
        {
            output.WriteLine("Skipped: KVMACTORS_IMAGE names no image.");
            return;
        }

        BootImage image = BootImageLoader.Load(File.ReadAllBytes(path), "");
        MoveAtRandom(
            () => VirtualMachine.Create(
                GuestRun.Spec() with { MemoryBytes = 256 << 20 }, [TestCpuid.Table], HostVendor.Intel, image),
            ImageInstructions,
            cutMax: 2_000_000,
            moves: 2);
    }

    private void MoveAtRandom(Func<VirtualMachine> create, ulong until, int cutMax, int moves)
    {
        int seed = int.TryParse(
            Environment.GetEnvironmentVariable("KVMACTORS_SEED"), CultureInfo.InvariantCulture, out int given)
            ? given
            : Random.Shared.Next();
        output.WriteLine($"KVMACTORS_SEED={seed}");
        Random random = new(seed);
        using VirtualMachine whole = create();
        _ = whole.RunSlice(new SliceLimits(until, () => false));
        VirtualMachine moved = create();
        try
        {
            while (moved.End is null && moved.VmTime < until)
            {
                ulong next = Math.Min(until, moved.VmTime + (ulong)random.Next(1, cutMax));
                _ = moved.RunSlice(new SliceLimits(next, () => false));
                moved = random.Next(moves) == 0 ? Moved(moved) : moved;
            }

            AssertSame(whole, moved, $"KVMACTORS_SEED={seed}");
        }
        finally
        {
            moved.Dispose();
        }
    }

    private static VirtualMachine Moved(VirtualMachine machine)
    {
        var copy = VirtualMachine.Restore(
            machine.Spec,
            machine.Save(),
            Enumerable.Range(0, machine.Memory.PageCount)
                .Where(page => !machine.Memory.IsZero(page))
                .Select(page => (page, (ReadOnlyMemory<byte>)machine.Memory.Page(page).ToArray())));
        machine.Dispose();
        return copy;
    }

    private static void AssertSame(VirtualMachine expected, VirtualMachine found, string where)
    {
        Assert.True(expected.VmTime == found.VmTime, $"{where}: VM time {expected.VmTime}, found {found.VmTime}");
        Assert.True(Equals(expected.End, found.End), $"{where}: end {expected.End}, found {found.End}");
        Assert.True(expected.HashState() == found.HashState(), $"{where}: states differ at {expected.VmTime}");
        Assert.True(expected.SumMemory() == found.SumMemory(), $"{where}: memories differ at {expected.VmTime}");
    }
}
