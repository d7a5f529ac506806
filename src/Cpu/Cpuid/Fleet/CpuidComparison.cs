// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;

namespace KvmActors.Cpu.Cpuid.Fleet;

/// <summary>What one table is to another, and every place where they differ. Pure.</summary>
/// <param name="Relation">What the first is to the second, by <paramref name="Differences"/> alone.</param>
/// <param name="Differences">Those that decide: features, numbers, XSAVE, and leaves that contradict each other. By
/// leaf, subleaf, register and bit.</param>
/// <param name="Notes">Those that decide nothing: identity, caches, topology, limits, platform, hypervisor.</param>
/// <remarks>
/// <para>The tables are compared by what a guest finds in them: <see cref="CpuidTable.Find"/>, a missing leaf being
/// zeros. Not compared: the bits that the vCPU's state owns (OSXSAVE, APIC, OSPKE) and the sizes of leaf 0DH that
/// follow from its components. <see cref="CpuidRule"/> has the rules.</para>
/// <para>Source: Intel SDM vol. 2A, "CPUID"; Linux v6.19 Documentation/virt/kvm/x86/errata.rst for the inverted bits.
/// </para>
/// </remarks>
public sealed record CpuidComparison(
    CpuidRelation Relation,
    ImmutableArray<CpuidDifference> Differences,
    ImmutableArray<CpuidDifference> Notes)
{
    /// <param name="a">The first: superset means that it offers more.</param>
    /// <param name="b">The second.</param>
    public static CpuidComparison Of(CpuidTable a, CpuidTable b)
    {
        ArgumentNullException.ThrowIfNull(a);
        ArgumentNullException.ThrowIfNull(b);
        List<CpuidDifference> all = [];
        foreach ((uint leaf, uint subleaf) in Places(a, b))
        {
            new CpuidEntryComparison(leaf, subleaf, a, b, all).Run();
        }

        ImmutableArray<CpuidDifference> deciding = [.. all.Where(difference => difference.Decides)];
        return new CpuidComparison(
            RelationOf(deciding), deciding, [.. all.Where(difference => !difference.Decides)]);
    }

    private static CpuidRelation RelationOf(ImmutableArray<CpuidDifference> deciding)
    {
        bool isMore = deciding.Any(difference => difference.Direction != CpuidDirection.OnlyB);
        bool isLess = deciding.Any(difference => difference.Direction != CpuidDirection.OnlyA);
        return (isMore, isLess) switch
        {
            (false, false) => CpuidRelation.Identical,
            (true, false) => CpuidRelation.Superset,
            (false, true) => CpuidRelation.Subset,
            (true, true) => CpuidRelation.Incompatible,
        };
    }

    /// <summary>Every leaf and subleaf that one of the two has, ascending.</summary>
    private static SortedSet<(uint Leaf, uint Subleaf)> Places(CpuidTable a, CpuidTable b) =>
    [
        .. a.Entries.Concat(b.Entries).Select(entry =>
            (entry.Leaf, entry.Flags.HasFlag(CpuidEntryFlags.SignificantIndex) ? entry.Subleaf : 0)),
    ];
}
