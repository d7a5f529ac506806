// SPDX-License-Identifier: Apache-2.0

using System.Collections.Frozen;
using KvmActors.Cpu.Cpuid.Names;
using static KvmActors.Cpu.Cpuid.CpuidRegister;

namespace KvmActors.Cpu.Cpuid.Fleet;

/// <summary>Which rule compares a register of a table. Comparison, baseline and check all go by it, so that a baseline
/// is never more than a host it was made of.</summary>
/// <remarks>Source: Intel SDM vol. 2A, "CPUID"; AMD APM vol. 3, appendix E; for what no guest gets from the CPU, Linux
/// v6.19 arch/x86/kvm/cpuid.c:__do_cpuid_func.</remarks>
internal static class CpuidFieldRules
{
    private static readonly FrozenSet<(uint Leaf, uint Subleaf, CpuidRegister Register)> s_features =
        CpuidFeatures.All.Select(named => (named.Feature.Leaf, named.Feature.Subleaf, named.Feature.Register))
            .ToFrozenSet();

    public static CpuidRule Of(uint leaf, uint subleaf, CpuidRegister register) => leaf switch
    {
        0 or 0x8000_0000 or 0xC000_0000 => register == Eax ? CpuidRule.Limits : CpuidRule.Identity,
        1 when register is Eax => CpuidRule.Identity,
        1 when register is Ebx => CpuidRule.Topology,
        0x8000_0001 when register is Eax or Ebx => CpuidRule.Identity,
        3 or (>= 0x8000_0002 and <= 0x8000_0004) => CpuidRule.Identity,
        2 or 4 or 0x18 or 0x8000_0005 or 0x8000_0006 or 0x8000_0019 or 0x8000_001D => CpuidRule.Caches,
        0xB or 0x1F or 0x8000_001E or 0x8000_0026 => CpuidRule.Topology,
        0xD => CpuidRule.Xsave,
        >= 0x4000_0000 and < 0x5000_0000 => CpuidRule.Hypervisor,
        _ when IsPlatformLeaf(leaf, subleaf) => CpuidRule.Platform,
        7 or 0x14 or 0x24 when subleaf == 0 && register == Eax => CpuidRule.Limits,
        _ => OfCapability(leaf, subleaf, register),
    };

    /// <summary>Leaves of which every register describes the platform.</summary>
    public static bool IsPlatformLeaf(uint leaf, uint subleaf) => leaf is
        5 or 0xF or 0x10 or 0x15 or 0x16 or 0x17 or 0x1A or 0x1B or 0x20 or 0x23 or 0x8000_001B or 0x8000_001C
        or 0x8000_0020 || (leaf == 0x12 && subleaf >= 2);

    /// <summary>The bits that the vCPU's state owns, whatever a table says: OSXSAVE, APIC and OSPKE.</summary>
    public static uint RuntimeBits(uint leaf, uint subleaf, CpuidRegister register) => (leaf, subleaf, register) switch
    {
        (1, _, Ecx) => 1u << 27,
        (1, _, Edx) => 1u << 9,
        (7, 0, Ecx) => 1u << 4,
        _ => 0,
    };

    /// <summary>The bits that tell of something missing: FDP_EXCPTN_ONLY, ZERO_FCS_FDS, and the performance events
    /// that are not there.</summary>
    public static uint InvertedBits(uint leaf, uint subleaf, CpuidRegister register) =>
        (leaf, subleaf, register) switch
        {
            (7, 0, Ebx) => (1u << 6) | (1u << 13),
            (0xA, _, Ebx) => uint.MaxValue,
            _ => 0,
        };

    private static CpuidRule OfCapability(uint leaf, uint subleaf, CpuidRegister register) => (leaf, register) switch
    {
        (0xA, Eax or Edx) or (0x24, Ebx) or (0x8000_0008, Eax) or (0x8000_000A or 0x8000_0022, Ebx) =>
            CpuidRule.Numbers,
        (0x12, Edx) when subleaf == 0 => CpuidRule.Numbers,
        (0x8000_0008, Ecx) => CpuidRule.Topology,
        (0x8000_0008, Edx) => CpuidRule.Limits,

        // Without a name, too: every bit of these leaves is a feature.
        (7 or 0xA or 0x12 or 0x14 or 0x19 or 0x24 or 0x8000_001A or 0x8000_0022, _) => CpuidRule.Features,
        _ when s_features.Contains((leaf, subleaf, register)) => CpuidRule.Features,

        // Beside features: power states, RAS, SVM's and SEV's numbers.
        (1 or 6 or 0x8000_0001 or 0x8000_0007 or 0x8000_0008 or 0x8000_000A or 0x8000_001F or 0x8000_0021, _) =>
            CpuidRule.Platform,
        _ => CpuidRule.Description,
    };
}
