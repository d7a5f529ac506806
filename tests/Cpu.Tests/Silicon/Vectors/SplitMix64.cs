// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Tests.Silicon.Vectors;

/// <summary>The random numbers of the vectors, the same for ever: recorded results depend on each of them.</summary>
/// <remarks>Source: Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014, figure 16.
/// </remarks>
internal struct SplitMix64(ulong seed)
{
    public const ulong Increment = 0x9E37_79B9_7F4A_7C15;

    private ulong _state = seed;

    public ulong Next()
    {
        _state += Increment;
        return Mix(_state);
    }

    public static ulong Mix(ulong value)
    {
        value = (value ^ (value >> 30)) * 0xBF58_476D_1CE4_E5B9;
        value = (value ^ (value >> 27)) * 0x94D0_49BB_1331_11EB;
        return value ^ (value >> 31);
    }
}
