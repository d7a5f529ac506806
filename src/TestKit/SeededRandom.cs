// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.TestKit;

/// <summary>Numbers from a seed: the same on every machine and under every version of the runtime.</summary>
/// <remarks>Source: SplitMix64, Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014.
/// One thread at a time.</remarks>
public sealed class SeededRandom(ulong seed)
{
    private const ulong Gamma = 0x9E37_79B9_7F4A_7C15;

    private ulong _state = seed;

    public ulong NextUInt64()
    {
        _state += Gamma;
        ulong mixed = _state;
        mixed = (mixed ^ (mixed >> 30)) * 0xBF58_476D_1CE4_E5B9;
        mixed = (mixed ^ (mixed >> 27)) * 0x94D0_49BB_1331_11EB;
        return mixed ^ (mixed >> 31);
    }

    /// <returns>At least 0 and less than <paramref name="bound"/>.</returns>
    public int Next(int bound)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bound, 1);
        return (int)((UInt128)NextUInt64() * (ulong)bound >> 64);
    }

    /// <returns>At least 0 and less than 1.</returns>
    public double NextDouble() => (NextUInt64() >> 11) * (1.0 / (1ul << 53));

    /// <returns>True with this probability. Takes one number, also for 0 and 1.</returns>
    public bool Chance(double probability) => NextDouble() < probability;

    /// <returns>Between both, evenly.</returns>
    public TimeSpan Between(TimeSpan least, TimeSpan most)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(most, least);
        return least + TimeSpan.FromTicks((long)(NextDouble() * ((most - least).Ticks + 1)));
    }

    /// <summary>A generator of its own, so that what one part draws does not shift what another part gets.</summary>
    public SeededRandom Fork() => new(NextUInt64());
}
