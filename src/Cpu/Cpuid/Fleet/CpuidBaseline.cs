// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Cpuid.Names;
using KvmActors.Cpu.Cpuid.Vetting;
using static KvmActors.Cpu.Cpuid.CpuidRegister;

namespace KvmActors.Cpu.Cpuid.Fleet;

/// <summary>The baseline of several CPUs: the richest table that a guest may have that shall run on any of them.
/// </summary>
/// <remarks>
/// <para>From the first: maker, family, model, name, caches, topology, hypervisor leaves. Feature registers: the
/// bits that all have, named or not. Maximum leaves, address widths and counts: the smallest. XSAVE: the components
/// that all keep at the same place and in the same size, and no feature whose component fell out. Every other leaf:
/// kept if all have the same, else left out, so that it answers zeros. The inverted bits are set if one CPU sets
/// them. <see cref="CpuidRule"/> has the rules.</para>
/// <para>But for what comes from the first, the order of the hosts changes nothing, and the baseline of baselines is
/// the baseline of all.</para>
/// <para>Source: Intel SDM vol. 2A, "CPUID"; Linux v6.19 Documentation/virt/kvm/x86/errata.rst.</para>
/// </remarks>
public static class CpuidBaseline
{
    private const uint HypervisorBase = 0x4000_0000;

    // Hosts of one vendor that a refusal names.
    private const int NamesMax = 3;

    /// <summary>The baseline of <paramref name="first"/> and all of <paramref name="others"/>, whoever made them.
    /// </summary>
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

    /// <summary>The baseline of named hosts; the first gives the identity.</summary>
    /// <exception cref="ArgumentException">No host.</exception>
    public static CpuidBaselineOutcome Of(IReadOnlyList<CpuidHost> hosts, CpuidVendorPolicy policy)
    {
        ArgumentNullException.ThrowIfNull(hosts);
        if (hosts.Count == 0)
        {
            throw new ArgumentException("Expected at least one host to make a baseline of, found none.", nameof(hosts));
        }

        string[] vendors = [.. hosts.Select(host => host.Table.Vendor).Distinct()];
        string found = string.Join(" and ", vendors.Select(vendor => OfVendor(vendor, hosts)));
        return vendors.Length == 1 || policy == CpuidVendorPolicy.CrossVendor
            ? new CpuidBaselineOutcome.Made(Of(hosts[0].Table, [.. hosts.Skip(1).Select(host => host.Table)]))
            : new CpuidBaselineOutcome.Refused(
                $"Expected hosts of one vendor, found {found}. "
                + "Make a baseline of each vendor's hosts, or accept the loss of what only one vendor has.");
    }

    /// <summary>How many named features a table offers. The inverted bits tell of something missing: they are not
    /// counted.</summary>
    public static int CountFeatures(CpuidTable table)
    {
        ArgumentNullException.ThrowIfNull(table);
        return CpuidFeatures.All.Select(named => named.Feature).Count(feature => table.Has(feature)
            && (CpuidFieldRules.InvertedBits(feature.Leaf, feature.Subleaf, feature.Register) >> feature.Bit & 1) == 0);
    }

    private static string OfVendor(string vendor, IReadOnlyList<CpuidHost> hosts)
    {
        string[] names = [.. hosts.Where(host => host.Table.Vendor == vendor).Select(host => host.Name)];
        string more = names.Length > NamesMax ? $" and {names.Length - NamesMax} more" : "";
        return $"{(vendor.Length == 0 ? "no vendor" : vendor)} ({string.Join(", ", names.Take(NamesMax))}{more})";
    }

    private static CpuidTable OfTwo(CpuidTable first, CpuidTable other)
    {
        uint lastBasic = MaxLeaf(first, other, 0);
        uint lastExtended = MaxLeaf(first, other, 0x8000_0000);

        // Where leaf 0DH is out of range, a guest finds no component and may use none.
        ulong components = lastBasic < CpuidXsave.Leaf ? 0 : CpuidXsaveLayout.Common(first, other);
        ulong supervisor = CpuidXsaveLayout.CommonSupervisor(first, other);
        List<CpuidEntry> entries = new(first.Entries.Length);
        foreach (CpuidEntry entry in first.Entries)
        {
            uint last = (entry.Leaf >> 28) switch
            {
                0 => lastBasic,
                8 => lastExtended,
                _ => uint.MaxValue,
            };
            if (entry.Leaf > last)
            {
                continue;
            }

            bool isClassBase = entry.Leaf is 0 or 0x8000_0000;
            CpuidRegisters theirs = other.Find(entry.Leaf, entry.Subleaf)?.Registers ?? default;
            CpuidRegisters common = isClassBase ? entry.Registers with { Eax = last }
                : entry.Leaf == CpuidXsave.Leaf
                    ? OfXsave(entry, theirs, first, other, components, supervisor)
                : OfEntry(entry, theirs, first, other)
                    .And(CpuidXsaveFeatures.Without(components, entry.Leaf, entry.Subleaf).Not());
            if (isClassBase || common != default || entry.Registers == default)
            {
                entries.Add(entry with { Eax = common.Eax, Ebx = common.Ebx, Ecx = common.Ecx, Edx = common.Edx });
            }
        }

        return CpuidTable.Of(entries);
    }

    private static CpuidRegisters OfEntry(CpuidEntry entry, CpuidRegisters theirs, CpuidTable first, CpuidTable other)
    {
        bool isSame = IsSame(entry, theirs);
        uint Common(CpuidRegister register)
        {
            (uint a, uint b) = (entry.Registers.Of(register), theirs.Of(register));
            (uint leaf, uint subleaf) = (entry.Leaf, entry.Subleaf);

            // Where there is no leaf, or only zeros, nothing tells what is missing.
            uint inverted = CpuidFieldRules.InvertedBits(leaf, subleaf, register);
            uint missing = entry.Registers == default || theirs == default ? 0 : (a | b) & inverted;
            return CpuidFieldRules.Of(leaf, subleaf, register) switch
            {
                CpuidRule.Features => (a & b & ~inverted) | missing,
                CpuidRule.Numbers => Narrowed(leaf, CpuidQuantity.Smaller(leaf, subleaf, register, a, b)),
                CpuidRule.Description => isSame ? a : 0,
                CpuidRule.Limits => Math.Min(a, b),
                CpuidRule.Platform when CpuidFieldRules.IsPlatformLeaf(leaf, subleaf) => isSame ? a : 0,
                CpuidRule.Platform => a == b ? a : 0,
                CpuidRule.Hypervisor when leaf == HypervisorBase + 1 && AreOfOneHypervisor(first, other) => a & b,
                CpuidRule.Identity or CpuidRule.Topology or CpuidRule.Caches or CpuidRule.Hypervisor
                    or CpuidRule.Xsave => a,
            };
        }

        return new CpuidRegisters(Common(Eax), Common(Ebx), Common(Ecx), Common(Edx));
    }

    /// <summary>True if what an entry describes is the same, whatever its feature bits are.</summary>
    private static bool IsSame(CpuidEntry entry, CpuidRegisters theirs)
    {
        bool Is(CpuidRegister register) => entry.Registers.Of(register) == theirs.Of(register)
            || CpuidFieldRules.Of(entry.Leaf, entry.Subleaf, register)
                is not (CpuidRule.Description or CpuidRule.Platform);

        return Is(Eax) && Is(Ebx) && Is(Ecx) && Is(Edx);
    }

    private static CpuidRegisters OfXsave(
        CpuidEntry entry,
        CpuidRegisters theirs,
        CpuidTable first,
        CpuidTable other,
        ulong components,
        ulong supervisor)
    {
        CpuidRegisters mine = entry.Registers;
        if (components == 0)
        {
            return default;
        }

        if (entry.Subleaf == 0)
        {
            uint bytes = CpuidXsave.Bytes(other, components);
            return new CpuidRegisters((uint)components, mine.Ebx, bytes, (uint)(components >> 32));
        }

        if (entry.Subleaf == 1)
        {
            return new CpuidRegisters(mine.Eax & theirs.Eax, mine.Ebx, (uint)supervisor, (uint)(supervisor >> 32));
        }

        bool isListed = entry.Subleaf < 63
            && ((CpuidXsaveLayout.Listed(first) | CpuidXsaveLayout.Listed(other)) >> (int)entry.Subleaf & 1) != 0;
        bool isKept = isListed ? ((components | supervisor) >> (int)entry.Subleaf & 1) != 0 : mine == theirs;
        return isKept ? mine : default;
    }

    /// <summary>CPUID.80000008H:EAX[23:16], what a guest's addresses have, is 0 where it is no less than [7:0].
    /// </summary>
    private static uint Narrowed(uint leaf, uint eax) =>
        leaf == 0x8000_0008 && (eax >> 16 & 0xFF) >= (eax & 0xFF) ? eax & ~0xFF_0000u : eax;

    private static bool AreOfOneHypervisor(CpuidTable first, CpuidTable other) =>
        first.FirstOfLeaf(HypervisorBase) is { } mine && other.FirstOfLeaf(HypervisorBase) is { } theirs
        && CpuidVendor.Text(mine.Registers) == CpuidVendor.Text(theirs.Registers);

    private static uint MaxLeaf(CpuidTable first, CpuidTable other, uint classBase) => Math.Min(
        first.FirstOfLeaf(classBase)?.Eax ?? classBase, other.FirstOfLeaf(classBase)?.Eax ?? classBase);
}
