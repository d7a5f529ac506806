// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Cpu.Cpuid.Names;

namespace KvmActors.Cpu.Cpuid;

/// <summary>A vCPU's CPUID table: an ordered, immutable list of at most <see cref="EntriesMax"/> entries. Safe to share
/// between threads. Looking up costs the same whatever the table's size.</summary>
/// <remarks>Source: Linux v6.19 arch/x86/kvm/cpuid.c: kvm_cpuid, get_out_of_range_cpuid_entry,
/// kvm_update_cpuid_runtime.</remarks>
public sealed class CpuidTable : IEquatable<CpuidTable>
{
    /// <summary>KVM_MAX_CPUID_ENTRIES. Source: Linux v6.19 arch/x86/include/asm/kvm_host.h.</summary>
    public const int EntriesMax = 256;

    private readonly CpuidIndex _index;

    private CpuidTable(ImmutableArray<CpuidEntry> entries)
    {
        Entries = entries;
        _index = new CpuidIndex(entries);
        Vendor = FirstOfLeaf(0) is { } basic ? CpuidVendor.Text(basic.Registers) : "";
    }

    public static CpuidTable Empty { get; } = new([]);

    public ImmutableArray<CpuidEntry> Entries { get; }

    /// <summary>The twelve characters of leaf 0, for instance <c>GenuineIntel</c>; empty if there is no leaf
    /// 0.</summary>
    public string Vendor { get; }

    /// <exception cref="ArgumentException">More than <see cref="EntriesMax"/> entries.</exception>
    public static CpuidTable Of(IEnumerable<CpuidEntry> entries)
    {
        ImmutableArray<CpuidEntry> all = [.. entries];
        return all.Length <= EntriesMax
            ? new CpuidTable(all)
            : throw new ArgumentException(
                $"Expected at most {EntriesMax} CPUID entries, found {all.Length}.", nameof(entries));
    }

    /// <summary>The first entry in table order with this leaf that does not look at the subleaf or has this one.
    /// No fall-back, no runtime bits.</summary>
    public CpuidEntry? Find(uint leaf, uint subleaf) =>
        _index.Find(leaf, subleaf) is var position and >= 0 ? Entries[position] : null;

    /// <summary>The first entry of a leaf in table order, whatever its subleaf.</summary>
    public CpuidEntry? FirstOfLeaf(uint leaf) =>
        _index.FindLeaf(leaf) is var position and >= 0 ? Entries[position] : null;

    /// <summary>What the guest's CPUID instruction leaves in its registers: the matching entry, else the maker's
    /// rule for leaves out of range, with the bits that follow <paramref name="runtime"/>.</summary>
    public CpuidRegisters Query(uint leaf, uint subleaf, in CpuidRuntime runtime)
    {
        uint answering = leaf;
        int position = _index.Find(leaf, subleaf);
        if (position < 0)
        {
            position = OutOfRange(ref answering, subleaf);
        }

        if (position >= 0)
        {
            ref readonly CpuidEntry found = ref Entries.ItemRef(position);
            return CpuidRuntimeBits.AreIn(found.Leaf)
                ? CpuidRuntimeBits.Apply(this, found, runtime)
                : found.Registers;
        }

        // The level number (CL) and the x2APIC id come back even for levels that do not exist. Subleaf 1 is there if
        // and only if the leaf is implemented. Source: Intel SDM vol. 2A, "CPUID", leaves 0BH and 1FH.
        return answering is 0xB or 0x1F && Find(answering, 1) is { } level
            ? new CpuidRegisters(0, 0, subleaf & 0xFF, level.Edx)
            : default;
    }

    /// <summary>True if the table sets the feature's bit; runtime-owned bits are not looked at.</summary>
    public bool Has(CpuidFeature feature) =>
        Find(feature.Leaf, feature.Subleaf) is { } entry && feature.IsSetIn(entry.Registers);

    public bool Equals(CpuidTable? other) =>
        other is not null && Entries.AsSpan().SequenceEqual(other.Entries.AsSpan());

    public override bool Equals(object? obj) => Equals(obj as CpuidTable);

    public override int GetHashCode()
    {
        HashCode hash = default;
        foreach (CpuidEntry entry in Entries)
        {
            hash.Add(entry);
        }

        return hash.ToHashCode();
    }

    /// <summary>Intel answers a leaf above its class's maximum with its highest basic leaf (and the requested subleaf);
    /// AMD and Hygon answer zeros. A hole inside a class is zeros on all.</summary>
    private int OutOfRange(ref uint leaf, uint subleaf)
    {
        if (FirstOfLeaf(0) is not { } basic || CpuidVendor.AnswersOutOfRangeWithZeros(Vendor))
        {
            return -1;
        }

        uint classBase = leaf switch
        {
            >= 0x4000_0000 and <= 0x4FFF_FFFF => leaf & 0xFFFF_FF00,
            >= 0xC000_0000 => 0xC000_0000,
            _ => leaf & 0x8000_0000,
        };
        if (FirstOfLeaf(classBase) is { } first && leaf <= first.Eax)
        {
            return -1;
        }

        leaf = basic.Eax;
        return _index.Find(leaf, subleaf);
    }
}
