// SPDX-License-Identifier: Apache-2.0

using System.Diagnostics;
using KvmActors.Cpu.Cpuid;
using KvmActors.Machine;
using KvmActors.Machine.Loaders;
using KvmActors.Samples.Guests;

namespace KvmActors.Host.Demo;

/// <summary>How long the story guest has to be on this machine: a move and a takeover take their seconds, whatever the
/// engine's speed, and the guest must not end before them.</summary>
internal static class DemoLength
{
    /// <summary>Of the guest alone. A quarter of it comes before the move; cold nodes on two busy cores were seen to
    /// take almost two seconds for that.</summary>
    private static readonly TimeSpan s_wanted = TimeSpan.FromSeconds(8);

    /// <summary>Runs of the same code before it is timed, while .NET compiles the engine.</summary>
    private static readonly TimeSpan s_warmUp = TimeSpan.FromMilliseconds(400);

    private static readonly TimeSpan s_timed = TimeSpan.FromMilliseconds(300);

    /// <summary>Timed runs, of which the fastest counts: what else the machine does just now may be over soon, and a
    /// guest that is too long does no harm.</summary>
    private const int TimedRuns = 4;

    /// <summary>Rounds are counted by this number, to be easy to say again with <c>--rounds</c>.</summary>
    private const int RoundsStep = 50;

    /// <summary>Times a guest like the demo's in this process.</summary>
    /// <returns>Rounds of <see cref="StoryGuestSize.Demo"/>, 50 to its maximum.</returns>
    /// <exception cref="OperationCanceledException">It was asked to stop.</exception>
    public static int Rounds(DemoOptions options, CancellationToken stop)
    {
        var size = StoryGuestSize.Demo(StoryGuestSize.DemoRoundsMax);
        byte[] image = StoryGuest.Build(options.Vendors[0], size);
        CpuidTable cpuid = CpuidSource.Read(DemoConfiguration.DumpFor(options.Vendors[0]));
        SoloRunOptions guest = new(
            DemoGuest.Spec, BootImageLoader.Load(image, DemoGuest.CommandLine), cpuid, options.Vendors[0]);
        _ = InstructionsPerSecond(guest, s_warmUp, stop);
        double fastest = Enumerable.Range(0, TimedRuns).Max(_ => InstructionsPerSecond(guest, s_timed, stop));
        double rounds = fastest * s_wanted.TotalSeconds / size.InstructionsPerRound;
        return (int)Math.Clamp(
            Math.Round(rounds / RoundsStep) * RoundsStep, RoundsStep, StoryGuestSize.DemoRoundsMax);
    }

    private static double InstructionsPerSecond(SoloRunOptions guest, TimeSpan limit, CancellationToken stop)
    {
        var clock = Stopwatch.StartNew();
        SoloRunResult result = SoloRun.Run(
            guest, static _ => { }, () => stop.IsCancellationRequested || clock.Elapsed > limit);
        stop.ThrowIfCancellationRequested();
        return result.InstructionsRetired / clock.Elapsed.TotalSeconds;
    }
}
