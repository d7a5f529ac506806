// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.State;

/// <summary>The numbers that RDRAND and RDSEED give: SplitMix64, a function of the VM's seed, the vCPU and how many it
/// has drawn.</summary>
/// <remarks>The same in every replay and on every host, and so no source of secrets: whoever knows the seed knows them
/// all. Source: G. Steele, D. Lea, C. Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014, figure 16.
/// </remarks>
internal static class RandomSequence
{
    private const ulong Gamma = 0x9E37_79B9_7F4A_7C15;

    /// <summary>Where the sequence of a vCPU begins.</summary>
    public static ulong StartOf(ulong seed, int vcpuIndex) => Mix(seed + (((ulong)vcpuIndex + 1) * Gamma));

    /// <summary>A number of a sequence.</summary>
    /// <param name="start">See <see cref="StartOf"/>.</param>
    /// <param name="index">How many were drawn before it.</param>
    public static ulong At(ulong start, ulong index) => Mix(start + ((index + 1) * Gamma));

    private static ulong Mix(ulong value)
    {
        value = (value ^ (value >> 30)) * 0xBF58_476D_1CE4_E5B9;
        value = (value ^ (value >> 27)) * 0x94D0_49BB_1331_11EB;
        return value ^ (value >> 31);
    }
}
