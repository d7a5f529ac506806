// SPDX-License-Identifier: Apache-2.0

using KvmActors.Benchmarks.Engine.Guests;
using KvmActors.Benchmarks.Parts;

namespace KvmActors.Benchmarks.Engine;

/// <summary>What was measured of one program.</summary>
/// <param name="Instructions">Of the long run of an engine that translates, without the short one's.</param>
/// <param name="Rates">Million instructions in a second of processor time, by engine and round.</param>
internal sealed record EngineRow(GuestProgram Program, ulong Instructions, IReadOnlyDictionary<string, double[]> Rates)
{
    /// <summary>The median of the rounds, or null of an engine that was not there.</summary>
    public double? Mips(string engine) => Rates.TryGetValue(engine, out double[]? rates) ? Median.Of(rates) : null;

    /// <summary>The median of the rounds' ratios: what disturbs a round disturbs both in it.</summary>
    public double? Ratio(string engine, string other) =>
        Rates.TryGetValue(engine, out double[]? mine) && Rates.TryGetValue(other, out double[]? others)
            ? Median.Of([.. mine.Zip(others, static (one, two) => one / two)])
            : null;
}
