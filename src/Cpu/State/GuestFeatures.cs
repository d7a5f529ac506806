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
        (GuestFeature.Fpu, "fpu"),
        (GuestFeature.Fxsr, "fxsr"),
        (GuestFeature.Mmx, "mmx"),
        (GuestFeature.Sse, "sse"),
        (GuestFeature.Sse2, "sse2"),
        (GuestFeature.Sse3, "sse3"),
        (GuestFeature.Ssse3, "ssse3"),
        (GuestFeature.Sse41, "sse4_1"),
        (GuestFeature.Sse42, "sse4_2"),
        (GuestFeature.Xsave, "xsave"),
        (GuestFeature.XsaveOptimized, "xsaveopt"),
        (GuestFeature.XsaveCompacted, "xsavec"),
        (GuestFeature.XsaveSupervisor, "xsaves"),
        (GuestFeature.XgetbvInUse, "xgetbv1"),
        (GuestFeature.Rdrand, "rdrand"),
        (GuestFeature.Rdseed, "rdseed"),
        (GuestFeature.Pcid, "pcid"),
        (GuestFeature.Invpcid, "invpcid"),
        (GuestFeature.Clflush, "clflush"),
        (GuestFeature.ClflushOptimized, "clflushopt"),
        (GuestFeature.ClWriteBack, "clwb"),
        (GuestFeature.Apic, "apic"),
        (GuestFeature.X2Apic, "x2apic"),
        (GuestFeature.TscDeadline, "tsc_deadline"),
        (GuestFeature.Pat, "pat"),
        (GuestFeature.Mtrr, "mtrr"),
        (GuestFeature.TscAdjust, "tsc_adjust"),
        (GuestFeature.PageGlobal, "pge"),
        (GuestFeature.DebugExtensions, "de"),
        (GuestFeature.Pse, "pse"),
        (GuestFeature.Pse36, "pse36"),
        (GuestFeature.Pae, "pae"),
        (GuestFeature.Virtual8086Extensions, "vme"),
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
