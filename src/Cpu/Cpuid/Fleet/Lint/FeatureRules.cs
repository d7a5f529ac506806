// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Cpuid.Names;
using static KvmActors.Cpu.Cpuid.Fleet.Lint.Findings;

namespace KvmActors.Cpu.Cpuid.Fleet.Lint;

/// <summary>Features against each other and against the leaves that describe them.</summary>
internal static class FeatureRules
{
    /// <summary>Leaves that are there because of a feature.</summary>
    private static readonly (uint Leaf, CpuidFeature[] AnyOf)[] s_leaves =
    [
        (5, [CpuidFeatures.Monitor, CpuidFeatures.MwaitLeaf5, CpuidFeatures.Mwaitx]),
        (0xD, [CpuidFeatures.Xsave]),
        (0xF, [CpuidFeatures.Cqm]),
        (0x10, [CpuidFeatures.RdtA]),
        (0x12, [CpuidFeatures.Sgx]),
        (0x14, [CpuidFeatures.IntelPt]),
        (0x19, [CpuidFeatures.Keylocker]),
        (0x1C, [CpuidFeatures.ArchLbr]),
        (0x1D, [CpuidFeatures.AmxTile]),
        (0x1E, [CpuidFeatures.AmxTile]),
        (0x20, [CpuidFeatures.Hreset]),
        (0x23, [CpuidFeatures.ArchPerfmonExt]),
        (0x24, [CpuidFeatures.Avx10]),
        (0x8000_000A, [CpuidFeatures.Svm]),
        (0x8000_001B, [CpuidFeatures.Ibs]),
        (0x8000_001D, [CpuidFeatures.Topoext]),
        (0x8000_001E, [CpuidFeatures.Topoext]),
    ];

    public static IEnumerable<CpuidFinding> Check(CpuidTable table) =>
        CpuidDependencies.All.Where(needed => table.Has(needed.Feature) && !needed.AnyOf.Any(table.Has))
            .Select(needed => Lacking(table, needed))
            .Concat(s_leaves.SelectMany(pair => LeafWithFeature(table, pair.Leaf, pair.AnyOf)));

    private static CpuidFinding Lacking(CpuidTable table, CpuidDependency needed)
    {
        string name = NameOf(needed.Feature);
        string missing = string.Join(" or ", needed.AnyOf.Select(NameOf));
        return needed.IsNeeded
            ? OfBit(
                "feature-needs",
                CpuidSeverity.Error,
                needed.Feature,
                $"Expected {missing}, which {name} needs, found it clear at {needed.AnyOf[0]}. "
                + $"Clear {name}, or set {NameOf(needed.AnyOf[0])}{IfHosted(table)}.")
            : OfBit(
                "feature-expects",
                CpuidSeverity.Warning,
                needed.Feature,
                $"Expected {missing} beside {name}, found it clear at {needed.AnyOf[0]}: software that sees {name} "
                + "takes "
                + $"it for granted. Clear {name}, or set {NameOf(needed.AnyOf[0])}{IfHosted(table)}.");
    }

    private static string IfHosted(CpuidTable table) => table.Entries.IsEmpty ? "" : " if every host has it";

    private static IEnumerable<CpuidFinding> LeafWithFeature(CpuidTable table, uint leaf, CpuidFeature[] anyOf)
    {
        CpuidEntry[] entries = [.. table.Entries.Where(entry => entry.Leaf == leaf && entry.Registers != default)];
        bool isSet = anyOf.Any(table.Has);
        string names = string.Join(" or ", anyOf.Select(NameOf));
        if (isSet && entries.Length == 0 && leaf != 5)
        {
            CpuidFeature feature = anyOf.First(table.Has);
            yield return OfBit(
                "feature-without-leaf",
                CpuidSeverity.Warning,
                feature,
                $"Expected leaf 0x{leaf:x}, which describes {NameOf(feature)}, found it missing or all zeros. Add the "
                + $"leaf, or clear {NameOf(feature)}.");
        }

        if (!isSet && entries.Length > 0)
        {
            yield return OfEntry(
                "leaf-without-feature",
                CpuidSeverity.Warning,
                leaf,
                entries[0].Subleaf,
                $"Expected {names} beside leaf 0x{leaf:x}, found the leaf alone: software does not read it. Remove the "
                + $"leaf, or set {NameOf(anyOf[0])}.");
        }
    }
}
