// SPDX-License-Identifier: Apache-2.0

using KvmActors.Benchmarks.Engine.Guests;

namespace KvmActors.Benchmarks.Engine;

/// <summary>What was measured of one program.</summary>
/// <param name="Instructions">Of the long run of an engine that translates, without the short one's.</param>
/// <param name="Mips">Million instructions in a second of processor time, by engine; the median of the rounds.</param>
internal sealed record EngineRow(GuestProgram Program, ulong Instructions, IReadOnlyDictionary<string, double> Mips)
{
    public double? Ratio(string engine, string other) =>
        Mips.TryGetValue(engine, out double mine) && Mips.TryGetValue(other, out double others)
            ? mine / others
            : null;
}
