// SPDX-License-Identifier: Apache-2.0

using System.Collections.Frozen;
using System.Collections.Immutable;

namespace KvmActors.Cpu.Cpuid.Names;

/// <summary>The named leaves, from the table <c>Cpuid.txt</c>.</summary>
/// <remarks>Source: Intel SDM vol. 2A, "CPUID"; AMD APM vol. 3, appendix E.</remarks>
public static partial class CpuidLeaves
{
    private static readonly ImmutableArray<CpuidLeaf> s_all = [.. Table()];
    private static readonly FrozenDictionary<uint, CpuidLeaf> s_byLeaf = s_all.ToFrozenDictionary(leaf => leaf.Leaf);

    /// <summary>Every named leaf, in rising order.</summary>
    public static ImmutableArray<CpuidLeaf> All => s_all;

    /// <summary>The leaf's name, or null if it has none.</summary>
    public static CpuidLeaf? Of(uint leaf) => s_byLeaf.GetValueOrDefault(leaf);
}
