// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Cpuid.Names;
using KvmActors.Cpu.Cpuid.Vetting;

namespace KvmActors.Cpu.Cpuid.Fleet;

/// <summary>The baseline of several CPUs: what a guest may have that shall run on any of them.</summary>
/// <remarks>
/// <para>From the first: maker, family, model, name, caches, topology, hypervisor leaves. Feature registers: the
/// bits that all have, named or not. Maximum leaves and address widths: the smallest. XSAVE: the components that all
/// keep at the same place and in the same size, and no feature whose component fell out. Every other leaf: kept if
/// all have the same, else left out, so that it answers zeros.</para>
/// <para>The two inverted bits, CPUID.(EAX=7,ECX=0):EBX[6] and [13], are set if one CPU sets them.</para>
/// <para>Source: Intel SDM vol. 2A, "CPUID"; Linux v6.19 Documentation/virt/kvm/x86/errata.rst.</para>
/// </remarks>
public static class CpuidIntersection
{
    private const uint AddressSizeLeaf = 0x8000_0008;

    /// <summary>The baseline of <paramref name="first"/> and all of <paramref name="others"/>.</summary>
    /// <param name="first">Gives the identity; with no others it is returned as it is.</param>
    /// <param name="others">Host tables, raw or cut to the engine, but all of one kind.</param>
    public static CpuidTable Of(CpuidTable first, params IReadOnlyCollection<CpuidTable> others)
    {
        ArgumentNullException.ThrowIfNull(first);
        ArgumentNullException.ThrowIfNull(others);
        CpuidTable baseline = first;
        foreach (CpuidTable other in others)
        {
            baseline = OfTwo(baseline, other);
        }

        return baseline;
    }

    private static CpuidTable OfTwo(CpuidTable first, CpuidTable other)
    {
        uint lastBasic = MaxLeaf(first, other, 0);
        uint lastExtended = MaxLeaf(first, other, 0x8000_0000);
        ulong components = CommonComponents(first, other);
        CpuidRegisters Lost(CpuidEntry entry) => CpuidXsaveFeatures.Without(components, entry.Leaf, entry.Subleaf);

        List<CpuidEntry> entries = [];
        foreach (CpuidEntry entry in first.Entries)
        {
            uint last = (entry.Leaf >> 28) switch
            {
                0 => lastBasic,
                8 => lastExtended,
                _ => uint.MaxValue,
            };
            CpuidRegisters found = other.Find(entry.Leaf, entry.Subleaf)?.Registers ?? default;
            CpuidRegisters common = Common(entry, found, other, components, last).And(Lost(entry).Not());
            bool isClassBase = entry.Leaf is 0 or 0x8000_0000;
            if (entry.Leaf <= last && (isClassBase || common != default || entry.Registers == default))
            {
                entries.Add(entry with { Eax = common.Eax, Ebx = common.Ebx, Ecx = common.Ecx, Edx = common.Edx });
            }
        }

        return CpuidTable.Of(entries);
    }

    private static CpuidRegisters Common(
        CpuidEntry entry, CpuidRegisters other, CpuidTable otherTable, ulong components, uint last)
    {
        CpuidRegisters mine = entry.Registers;
        CpuidRegisters features = CpuidFeatureMask.FeatureRegisters(entry.Leaf, entry.Subleaf);
        CpuidRegisters cut = mine.And(features.Not().Or(other));
        bool sameOrNothing = mine == other;
        return (entry.Leaf, entry.Subleaf) switch
        {
            (0 or 0x8000_0000, _) => mine with { Eax = last },
            (7, 0) => cut with
            {
                Eax = Math.Min(mine.Eax, other.Eax),
                Ebx = cut.Ebx | ((mine.Ebx | other.Ebx) & CpuidVetting.InvertedFeatures),
            },
            (CpuidXsave.Leaf, 0) => new CpuidRegisters(
                (uint)components, mine.Ebx, CpuidXsave.Bytes(otherTable, components), (uint)(components >> 32)),
            (CpuidXsave.Leaf, 1) => cut with { Ecx = mine.Ecx & other.Ecx, Edx = mine.Edx & other.Edx },
            (CpuidXsave.Leaf, _) => sameOrNothing ? mine : default,
            (AddressSizeLeaf, _) => cut with { Eax = AddressSizes(mine.Eax, other.Eax) },
            (0x4000_0001, _) => other == default ? mine : cut,
            ( >= 0x4000_0000 and < 0x5000_0000, _) => mine,
            _ when IsIdentity(entry.Leaf) => cut,
            _ => sameOrNothing ? mine : default,
        };
    }

    /// <summary>Leaves that describe the first CPU and change nothing of what a program may execute.</summary>
    private static bool IsIdentity(uint leaf) => leaf is
        1 or 2 or 4 or 6 or 7 or 0xB or 0x1F or (>= 0x8000_0001 and <= 0x8000_0007) or 0x8000_0019 or 0x8000_001D
        or 0x8000_001E or 0x8000_0021 or 0x8000_0026;

    private static uint MaxLeaf(CpuidTable first, CpuidTable other, uint classBase) => Math.Min(
        first.FirstOfLeaf(classBase)?.Eax ?? classBase, other.FirstOfLeaf(classBase)?.Eax ?? classBase);

    private static ulong CommonComponents(CpuidTable first, CpuidTable other)
    {
        ulong common = CpuidXsave.Components(first) & CpuidXsave.Components(other);
        for (uint component = 2; component < 63; component++)
        {
            if (first.Find(CpuidXsave.Leaf, component)?.Registers != other.Find(CpuidXsave.Leaf, component)?.Registers)
            {
                common &= ~(1ul << (int)component);
            }
        }

        return CpuidXsaveFeatures.Close(common);
    }

    /// <summary>CPUID.80000008H:EAX: physical bits 7:0, linear bits 15:8, the guest's physical bits 23:16 (0: as 7:0).
    /// </summary>
    private static uint AddressSizes(uint mine, uint other)
    {
        uint guest = Math.Min(GuestBits(mine), GuestBits(other));
        uint physical = Math.Min(mine & 0xFF, other & 0xFF);
        uint linear = Math.Min(mine >> 8 & 0xFF, other >> 8 & 0xFF);
        return ((guest < physical ? guest : 0) << 16) | (linear << 8) | physical;
    }

    private static uint GuestBits(uint eax) => (eax >> 16 & 0xFF) is var bits and not 0 ? bits : eax & 0xFF;
}
