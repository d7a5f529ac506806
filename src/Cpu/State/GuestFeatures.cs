// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Cpuid.Names;

namespace KvmActors.Cpu.State;

/// <summary>Reads from a CPUID table what the engine has to know of it.</summary>
/// <remarks>Source: Intel SDM vol. 2A, "CPUID"; AMD APM vol. 3, appendix E.</remarks>
internal static class GuestFeatures
{
    private const uint AddressSizeLeaf = 0x8000_0008;

    /// <summary>What KVM assumes if the leaf is missing. Source: Linux v6.19 cpuid.c:cpuid_query_maxphyaddr.</summary>
    private const int DefaultPhysicalAddressBits = 36;

    private const int PhysicalAddressBitsMax = 52;

    private static readonly (GuestFeature Feature, string Name)[] s_named =
    [
        (GuestFeature.LongMode, "lm"),
        (GuestFeature.NoExecute, "nx"),
        (GuestFeature.Pages1G, "pdpe1gb"),
        (GuestFeature.FsGsBase, "fsgsbase"),
        (GuestFeature.Smep, "smep"),
        (GuestFeature.Smap, "smap"),
        (GuestFeature.Umip, "umip"),
        (GuestFeature.Rdtscp, "rdtscp"),
        (GuestFeature.Rdpid, "rdpid"),
        (GuestFeature.Movbe, "movbe"),
        (GuestFeature.Popcnt, "popcnt"),
        (GuestFeature.Lzcnt, "abm"),
        (GuestFeature.Bmi1, "bmi1"),
        (GuestFeature.Bmi2, "bmi2"),
        (GuestFeature.Adx, "adx"),
        (GuestFeature.SystemCall, "syscall"),
        (GuestFeature.Sysenter, "sep"),
        (GuestFeature.Cx8, "cx8"),
        (GuestFeature.Cx16, "cx16"),
    ];

    public static GuestFeature Of(CpuidTable table)
    {
        GuestFeature features = table.Vendor is "AuthenticAMD" or "HygonGenuine" ? GuestFeature.IsAmd : 0;
        foreach ((GuestFeature feature, string name) in s_named)
        {
            if (CpuidFeatures.TryNamed(name, out CpuidFeature bit) && table.Has(bit))
            {
                features |= feature;
            }
        }

        return features;
    }

    public static ulong PhysicalAddressMask(CpuidTable table)
    {
        int bits = table.Find(AddressSizeLeaf, 0) is { } sizes ? (int)(sizes.Eax & 0xFF) : DefaultPhysicalAddressBits;
        return (1ul << Math.Clamp(bits, 32, PhysicalAddressBitsMax)) - 1;
    }
}
