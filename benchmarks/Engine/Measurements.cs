// SPDX-License-Identifier: Apache-2.0

using KvmActors.Benchmarks.Engine.Engines;

namespace KvmActors.Benchmarks.Engine;

/// <summary>What is no row of the first table.</summary>
internal static class Measurements
{
    private const string Translation = "translation";
    private const string Machines = "machines";
    private const string Start = "start";
    private const string Idle = "idle";

    public static IReadOnlyList<string> Names { get; } = [Translation, Machines, Start, Idle];

    public static async Task RunAsync(BenchmarkOptions options, string folder, Report report)
    {
        if (!Names.Any(options.Wants))
        {
            return;
        }

        bool withQemu = options.WithPeers && Peers.HasQemu;
        report.StartMeasured();
        if (options.Wants(Translation))
        {
            report.AddAll(TranslationCost.Measure(options.Rounds));
        }

        if (options.Wants(Machines))
        {
            report.AddAll(ParallelMachines.Measure(options.Rounds));
        }

        if (options.Wants(Start))
        {
            report.Add(FirstByte.Measure(folder, withQemu, options.Rounds));
        }

        if (options.Wants(Idle))
        {
            report.AddAll(await IdleShare.MeasureAsync(folder, withQemu));
        }
    }
}
