// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Cpu.Cpuid.Vetting;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Machine.Time;

namespace KvmActors.Machine;

/// <summary>Runs one VM on the calling thread, with no cluster, store or journal around it: for <c>run</c>, and for the
/// twin that the demo compares a moved VM with.</summary>
/// <remarks>The result is a function of the options alone, except where the caller cancels.</remarks>
public static class SoloRun
{
    /// <summary>Patches that a result lists; a guest can cause any number.</summary>
    public const int PatchesKeptMax = 10_000;

    /// <param name="options">The VM.</param>
    /// <param name="console">Takes the console's bytes as they come, on the calling thread. The memory is the callee's.
    /// </param>
    /// <param name="cancelled">Asked every ten thousand instructions or so; true stops the run.</param>
    /// <exception cref="Loaders.BootImageException">The image does not fit the memory.</exception>
    /// <exception cref="ArgumentException">The options ask for what this version cannot do, or the vendor changes are
    /// not in ascending order; or the guest does not read its input.</exception>
    public static SoloRunResult Run(SoloRunOptions options, Action<ReadOnlyMemory<byte>> console, Func<bool> cancelled)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(console);
        ArgumentNullException.ThrowIfNull(cancelled);
        CheckOrder(options.VendorChanges);

        using var machine = VirtualMachine.Create(
            options.Spec,
            CpuidPlacement.OfAll(options.Cpuid, options.Spec.VcpuCount),
            options.HostVendor,
            options.Image,
            options.Engine);
        ImmutableArray<HypercallPatch>.Builder patches = ImmutableArray.CreateBuilder<HypercallPatch>();
        ulong consoleBytes = 0;
        SoloRunStop stop = SoloRunStop.LimitReached;
        foreach (ulong until in Stops(options))
        {
            SliceStop ended;
            do
            {
                // A slice also yields by itself when it has much to hand over; then it goes on.
                SliceResult slice = machine.RunSlice(new SliceLimits(until, cancelled));
                ended = slice.Stop;
                consoleBytes += (ulong)slice.Console.Length;
                patches.AddRange(slice.Patches.Take(PatchesKeptMax - patches.Count));
                if (!slice.Console.IsEmpty)
                {
                    console(slice.Console);
                }
            }
            while (ended == SliceStop.Yielded && !cancelled());

            stop = StopOf(ended);
            if (ended != SliceStop.LimitReached)
            {
                break;
            }

            Enter(machine, options);
        }

        return new SoloRunResult(
            stop,
            machine.End,
            machine.VmTime,
            machine.InstructionsRetired,
            consoleBytes,
            patches.DrainToImmutable(),
            machine.HashState(),
            machine.SumMemory())
        {
            Statistics = machine.Statistics,
        };
    }

    private static SoloRunStop StopOf(SliceStop stop) => stop switch
    {
        SliceStop.LimitReached => SoloRunStop.LimitReached,
        SliceStop.Yielded => SoloRunStop.Cancelled,
        SliceStop.Idle => SoloRunStop.Ended,
        SliceStop.Resting => throw new InvalidOperationException("A solo run never waits for a timer."),
        SliceStop.Debug => throw new InvalidOperationException("A solo run has no debugger."),
        SliceStop.Ended => SoloRunStop.Ended,
    };

    /// <summary>VM times at which something comes from outside, and the last one.</summary>
    private static IEnumerable<ulong> Stops(SoloRunOptions options) =>
        options.VendorChanges.Select(change => change.VmTime)
            .Concat(options.Inputs.Select(input => input.VmTime))
            .Where(vmTime => vmTime < options.InstructionsMax)
            .Append(options.InstructionsMax)
            .Distinct()
            .Order();

    private static void Enter(VirtualMachine machine, SoloRunOptions options)
    {
        foreach (SoloVendorChange change in options.VendorChanges.Where(change => change.VmTime == machine.VmTime))
        {
            machine.HostVendor = change.Vendor;
        }

        foreach (SoloInput input in options.Inputs.Where(input => input.VmTime == machine.VmTime))
        {
            machine.InjectInput(input.Bytes.AsSpan());
        }
    }

    private static void CheckOrder(ImmutableArray<SoloVendorChange> changes)
    {
        for (int i = 1; i < changes.Length; i++)
        {
            if (changes[i].VmTime < changes[i - 1].VmTime)
            {
                throw new ArgumentException(
                    $"Expected vendor changes by ascending VM time, found {changes[i].VmTime} behind "
                    + $"{changes[i - 1].VmTime}. Sort them.",
                    nameof(changes));
            }
        }
    }
}
