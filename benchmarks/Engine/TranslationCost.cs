// SPDX-License-Identifier: Apache-2.0

using System.Globalization;
using KvmActors.Benchmarks.Engine.Engines;
using KvmActors.Benchmarks.Engine.Guests;
using KvmActors.Cpu;
using KvmActors.Cpu.State;
using KvmActors.Machine;

namespace KvmActors.Benchmarks.Engine;

/// <summary>What host code costs to make, by the program <c>large</c>.</summary>
/// <remarks>A run with the translator is compared with one of the interpreter over the same instructions. What it takes
/// longer is translation, and what it takes less is known: each instruction that is executed as host code saves the
/// difference of the two engines' pace in a long run.</remarks>
internal static class TranslationCost
{
    private const double MicrosecondsMax = 2;
    private const double BytesMax = 100;
    private const uint ShortRounds = 150;
    private const uint LongRounds = 4_150;

    /// <summary>Entries of a block before it is translated, as engines have it by default.</summary>
    private const double EntriesBefore = 40;

    private const ulong RunInstructions = 50_000;

    public static IEnumerable<Measured> Measure(int rounds)
    {
        GuestProgram large = LargeCode.All.First(program => program.Name == "large");
        byte[] briefly = GuestImage.Build(large, ShortRounds);
        byte[] atLength = GuestImage.Build(large, LongRounds);
        double[] costs = new double[rounds];
        double bytes = 0;
        for (int round = -1; round < rounds; round++)
        {
            Timing slow = Run(briefly, EngineChoice.Interpreter);
            Timing quick = Run(briefly, EngineChoice.Auto);
            double slowPace = Pace(slow, Run(atLength, EngineChoice.Interpreter));
            double quickPace = Pace(quick, Run(atLength, EngineChoice.Auto));
            double translated = quick.Statistics.InstructionsTranslated;
            double asHostCode = quick.Instructions - (EntriesBefore * translated);
            double cost = quick.Seconds - slow.Seconds + (asHostCode * (slowPace - quickPace));
            bytes = quick.Statistics.HostBytes / translated;
            if (round >= 0)
            {
                costs[round] = cost / translated * 1e6;
            }
        }

        double median = EngineRates.Median(costs);
        yield return new Measured(
            "translation, a guest instruction", $"{MicrosecondsMax:0} µs", Format($"{median:0.00} µs"), "",
            median <= MicrosecondsMax);
        yield return new Measured(
            "host code, a guest instruction", $"{BytesMax:0} bytes", Format($"{bytes:0} bytes"), "",
            bytes <= BytesMax);
    }

    private static string Format(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private static double Pace(Timing briefly, Timing atLength) =>
        (atLength.Seconds - briefly.Seconds) / (atLength.Instructions - briefly.Instructions);

    /// <summary>A vCPU alone, in the memory of a machine that has the image; up to the program's first look at the
    /// serial port.</summary>
    private static Timing Run(byte[] image, EngineChoice choice)
    {
        OwnEngine engine = new(choice.ToString(), choice);
        using VirtualMachine machine = engine.Create(image);
        using Vcpu vcpu = new(index: 0, machine.Memory);
        VcpuState start = machine.Save().Vcpus[0];
        vcpu.Restore(start);
        TimeSpan before = Environment.CpuUsage.TotalTime;
        VmExit exit;
        do
        {
            exit = vcpu.Run(RunInstructions, vcpu.InstructionsRetired);
        }
        while (exit is VmExit.BudgetSpent);
        TimeSpan took = Environment.CpuUsage.TotalTime - before;
        return exit is VmExit.PortRead
            ? new Timing(took.TotalSeconds, vcpu.InstructionsRetired, vcpu.Statistics)
            : throw new InvalidOperationException($"Expected a read of the serial port, found {exit}.");
    }

    private sealed record Timing(double Seconds, double Instructions, EngineStatistics Statistics);
}
