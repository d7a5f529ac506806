// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Cpuid;

namespace KvmActors.Cpu.Tests.Silicon;

/// <summary>Whether this host's CPU is one that the engine follows where makers differ: Intel's.</summary>
/// <remarks>AMD's differ in the x87 pointers, which they save only while an exception waits to be reported (AMD APM
/// vol. 2, section 11.4.4 "Saving x87 State"), in what x87 instructions make of pseudo-denormals, in far pointers of 64
/// bits, which they have not, in INT1's RIP and in reserved NOPs. What was recorded on Intel's is compared on every
/// host.</remarks>
internal static class HostMaker
{
    /// <summary>Why this host's x87 and system instructions are not compared, or null.</summary>
    public static string? WhyNotCompared { get; } =
        HostCpuid.IsSupported && HostCpuid.Read().Vendor is var vendor and not "GenuineIntel"
            ? $"the host's CPU is of {vendor}, and the engine follows Intel's where they differ"
            : null;
}
