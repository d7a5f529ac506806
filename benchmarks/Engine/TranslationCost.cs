// SPDX-License-Identifier: Apache-2.0

using System.Diagnostics;
using System.Globalization;
using KvmActors.Benchmarks.Engine.Engines;
using KvmActors.Benchmarks.Engine.Guests;
using KvmActors.Benchmarks.Parts;
using KvmActors.Cpu;
using KvmActors.Machine;

namespace KvmActors.Benchmarks.Engine;

/// <summary>What host code costs to make, by the program <c>large</c>: what the engine itself says of it.</summary>
internal static class TranslationCost
{
    private const double MicrosecondsMax = 2;
    private const double BytesMax = 100;

    /// <summary>Enough for every block to be hot.</summary>
    private const uint Rounds = 150;

    public static IEnumerable<Measured> Measure(int rounds)
    {
        byte[] image = GuestImage.Build(LargeCode.All.First(program => program.Name == "large"), Rounds);
        OwnEngine engine = new(Report.Translator, new EngineOptions { Clock = Stopwatch.GetTimestamp });
        _ = Run(engine, image);
        EngineStatistics[] runs = [.. Enumerable.Range(0, rounds).Select(_ => Run(engine, image))];
        double cost = Median.Of(runs.Select(run =>
            Stopwatch.GetElapsedTime(0, run.TranslationTime).TotalMicroseconds / run.InstructionsTranslated));
        double bytes = Median.Of(runs.Select(run => (double)run.HostBytes / run.InstructionsTranslated));
        yield return new Measured(
            "translation, a guest instruction", $"{MicrosecondsMax:0} µs", Format($"{cost:0.00} µs"), "",
            cost <= MicrosecondsMax);
        yield return new Measured(
            "host code, a guest instruction", $"{BytesMax:0} bytes", Format($"{bytes:0} bytes"), "",
            bytes <= BytesMax);
    }

    private static string Format(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private static EngineStatistics Run(OwnEngine engine, byte[] image)
    {
        using VirtualMachine machine = engine.Create(image);
        _ = OwnEngine.RunToEnd(machine);
        return machine.Statistics;
    }
}
