// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Cpuid.Vetting;

/// <summary>The leaves that describe where a processor sits among others, for a VM of one vCPU.</summary>
/// <remarks>Source: Intel SDM vol. 2A, "CPUID", leaves 04H and 0BH; AMD APM vol. 3, E.4.15 (8000001DH).</remarks>
internal static class CpuidTopology
{
    /// <summary>A cache that nobody shares: EAX[25:14] and, on Intel, the cores of the package in EAX[31:26] are
    /// 0.</summary>
    public static CpuidRegisters CacheOfOne(CpuidRegisters cache) =>
        (cache.Eax & 0x1F) == 0 ? default : cache with { Eax = cache.Eax & 0x3FFF };

    /// <summary>One thread in one core in one package: no bits of the x2APIC id (EAX), one processor (EBX), level
    /// type 1 for threads and 2 for cores with the level's number (ECX), x2APIC id 0 (EDX).</summary>
    public static CpuidRegisters LevelOfOne(uint subleaf) => subleaf switch
    {
        0 => new CpuidRegisters(0, 1, 0x100, 0),
        1 => new CpuidRegisters(0, 1, 0x201, 0),
        2 => new CpuidRegisters(0, 0, 2, 0),
        _ => default,
    };
}
