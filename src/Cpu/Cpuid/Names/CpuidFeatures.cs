// SPDX-License-Identifier: Apache-2.0

using System.Collections.Frozen;
using System.Collections.Immutable;

namespace KvmActors.Cpu.Cpuid.Names;

/// <summary>The named CPUID features, from the table <c>Cpuid.txt</c>; each is a property too, as in
/// <c>CpuidFeatures.Avx2</c>.</summary>
/// <remarks>Source: Intel SDM vol. 2A, "CPUID"; AMD APM vol. 3, appendix E. Other bits have no name, but are
/// compared and cut like these.</remarks>
public static partial class CpuidFeatures
{
    private static readonly ImmutableArray<CpuidFeatureName> s_names = [.. Table()];
    private static readonly ImmutableArray<(string Name, CpuidFeature Feature)> s_all =
        [.. s_names.Select(name => (name.Name, name.Feature))];

    private static readonly FrozenDictionary<string, CpuidFeature> s_byName =
        s_all.ToFrozenDictionary(named => named.Name, named => named.Feature, StringComparer.Ordinal);

    private static readonly FrozenDictionary<CpuidFeature, CpuidFeatureName> s_byFeature =
        s_names.ToFrozenDictionary(name => name.Feature);

    /// <summary>Every named feature in the table's order: by leaf, subleaf, register and bit.</summary>
    public static ImmutableArray<(string Name, CpuidFeature Feature)> All => s_all;

    /// <summary>The same with maker and meaning.</summary>
    public static ImmutableArray<CpuidFeatureName> Names => s_names;

    /// <exception cref="ArgumentException">No feature has this name.</exception>
    public static CpuidFeature Named(string name) => s_byName.TryGetValue(name, out CpuidFeature feature)
        ? feature
        : throw new ArgumentException(
            $"Expected the name of a CPUID feature, for instance avx2, found '{name}'.", nameof(name));

    public static bool TryNamed(string name, out CpuidFeature feature) => s_byName.TryGetValue(name, out feature);

    /// <summary>The feature's name, or null if the bit has none.</summary>
    public static string? NameOf(CpuidFeature feature) => Describe(feature)?.Name;

    /// <summary>The feature's name, maker and meaning, or null if the bit has no name.</summary>
    public static CpuidFeatureName? Describe(CpuidFeature feature) => s_byFeature.GetValueOrDefault(feature);
}
