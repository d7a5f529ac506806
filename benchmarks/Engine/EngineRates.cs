// SPDX-License-Identifier: Apache-2.0

using System.Diagnostics;
using KvmActors.Benchmarks.Engine.Engines;
using KvmActors.Benchmarks.Engine.Guests;

namespace KvmActors.Benchmarks.Engine;

/// <summary>Measures one program on all engines, which take turns in each round.</summary>
/// <param name="own">Ours, which are warmed up: what .NET compiles beside a run would count as its time.</param>
/// <param name="peers">Those of others.</param>
internal sealed class EngineRates(IReadOnlyList<IGuestEngine> own, IReadOnlyList<IGuestEngine> peers, int rounds)
{
    private const double Million = 1e6;
    private static readonly TimeSpan s_warmUp = TimeSpan.FromSeconds(0.7);

    /// <exception cref="InvalidOperationException">Two engines, or an engine and plain C#, found different results.
    /// </exception>
    public EngineRow Measure(GuestProgram program)
    {
        AgreedRuns runs = new(program);
        foreach (IGuestEngine engine in own)
        {
            WarmUp(runs, engine, program.Rounds);
        }

        IGuestEngine[] all = [.. own, .. peers.Where(peer => peer.Takes(runs.ImageBytes(program.Rounds.Few)))];
        Dictionary<string, double[]> found = all.ToDictionary(engine => engine.Name, _ => new double[rounds]);
        for (int round = 0; round < rounds; round++)
        {
            foreach (IGuestEngine engine in all)
            {
                uint most = MostRounds(engine, program.Rounds);
                double boot = runs.Run(engine, program.Rounds.Few);
                double seconds = runs.Run(engine, most) - boot;
                ulong instructions = runs.Instructions(most) - runs.Instructions(program.Rounds.Few);
                found[engine.Name][round] = instructions / seconds / Million;
            }
        }

        return new EngineRow(
            program,
            runs.Instructions(program.Rounds.Many) - runs.Instructions(program.Rounds.Few),
            found);
    }

    private static uint MostRounds(IGuestEngine engine, GuestRounds of) => engine.Interprets ? of.Some : of.Many;

    private static void WarmUp(AgreedRuns runs, IGuestEngine engine, GuestRounds of)
    {
        _ = runs.Run(engine, of.Few);
        _ = runs.Run(engine, of.Some);
        var warm = Stopwatch.StartNew();
        do
        {
            _ = runs.Run(engine, MostRounds(engine, of));
        }
        while (warm.Elapsed < s_warmUp);
    }
}
