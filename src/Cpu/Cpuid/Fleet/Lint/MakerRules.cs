// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Cpuid.Names;
using static KvmActors.Cpu.Cpuid.Fleet.Lint.Findings;

namespace KvmActors.Cpu.Cpuid.Fleet.Lint;

/// <summary>What belongs to another maker than leaf 0 names, and what AMD says twice.</summary>
internal static class MakerRules
{
    private const string Centaur = "CentaurHauls";
    private const string Zhaoxin = "  Shanghai  ";

    public static IEnumerable<CpuidFinding> Check(CpuidTable table)
    {
        if (MakersOf(table.Vendor) is not { } makers)
        {
            return table.FirstOfLeaf(0) is null ? [] :
            [
                OfEntry(
                    "unknown-maker",
                    CpuidSeverity.Note,
                    0,
                    0,
                    $"Expected a maker that this program knows, found \"{table.Vendor}\": its bits are not checked."),
            ];
        }

        return Bits(table, makers).Concat(Leaves(table, makers))
            .Concat(makers.Contains(CpuidMaker.Amd) ? Twice(table) : []);
    }

    private static CpuidMaker[]? MakersOf(string vendor) => vendor switch
    {
        CpuidVendor.Intel => [CpuidMaker.Intel],
        Centaur or Zhaoxin => [CpuidMaker.Intel, CpuidMaker.Centaur],
        _ => CpuidVendor.IsAmdLike(vendor) ? [CpuidMaker.Amd] : null,
    };

    private static bool IsForeign(CpuidMaker maker, CpuidMaker[] makers) =>
        maker != CpuidMaker.Any && !makers.Contains(maker);

    private static IEnumerable<CpuidFinding> Bits(CpuidTable table, CpuidMaker[] makers) =>
        from feature in CpuidFeatures.Names
        where IsForeign(feature.Maker, makers) && table.Has(feature.Feature)
        where CpuidLeaves.Of(feature.Feature.Leaf) is { } leaf && !IsForeign(leaf.Maker, makers)
        select OfBit(
            "foreign-bit",
            CpuidSeverity.Warning,
            feature.Feature,
            $"Expected only what {table.Vendor} makes, found {feature.Name}, which only {Name(feature.Maker)} has. "
            + "Clear "
            + "it.");

    private static IEnumerable<CpuidFinding> Leaves(CpuidTable table, CpuidMaker[] makers) =>
        from leaf in CpuidLeaves.All
        where IsForeign(leaf.Maker, makers)
        where table.Entries.Any(entry => entry.Leaf == leaf.Leaf && entry.Registers != default)
        select OfEntry(
            "foreign-leaf",
            CpuidSeverity.Warning,
            leaf.Leaf,
            0,
            $"Expected only what {table.Vendor} makes, found leaf 0x{leaf.Leaf:x} ({leaf.Title}), which only "
            + $"{Name(leaf.Maker)} has. Remove it or fill it with zeros.");

    /// <summary>AMD gives maker, version and many features of leaf 1 in the extended leaves again.</summary>
    private static IEnumerable<CpuidFinding> Twice(CpuidTable table)
    {
        if (table.FirstOfLeaf(0x8000_0000) is { } extended && extended.Eax >= 0x8000_0001
            && CpuidVendor.Text(extended.Registers) != table.Vendor)
        {
            yield return OfEntry(
                "said-twice",
                CpuidSeverity.Warning,
                0x8000_0000,
                0,
                $"Expected {table.Vendor} in leaf 0x80000000 as in leaf 0, found "
                + $"\"{CpuidCharacters.Of(extended.Ebx, extended.Edx, extended.Ecx)}\". Copy EBX, ECX and EDX of "
                + "leaf 0.");
        }

        if (table.Find(0x8000_0001, 0) is not { } second || table.Find(1, 0) is not { } first)
        {
            yield break;
        }

        if ((first.Eax & ~0x3000u) != (second.Eax & ~0x3000u))
        {
            yield return OfRegister(
                "said-twice",
                CpuidSeverity.Warning,
                0x8000_0001,
                0,
                CpuidRegister.Eax,
                $"Expected EAX of leaf 0x80000001 as that of leaf 1, 0x{first.Eax:x8}, found 0x{second.Eax:x8}. Copy "
                + "it.");
        }

        foreach (CpuidFeatureName copy in CpuidFeatures.Names.Where(name =>
            (name.Feature.Leaf, name.Feature.Register) == (0x8000_0001, CpuidRegister.Edx)
            && name.Name.StartsWith("amd_", StringComparison.Ordinal)))
        {
            // The APIC bit of leaf 1 follows the vCPU's state.
            CpuidFeature original = copy.Feature with { Leaf = 1 };
            if (table.Has(original) != table.Has(copy.Feature) && original != CpuidFeatures.Apic)
            {
                yield return OfBit(
                    "said-twice",
                    CpuidSeverity.Note,
                    copy.Feature,
                    $"Expected {copy.Name} as {NameOf(original)} of leaf 1, found {(table.Has(original) ? 0 : 1)}. "
                    + "Give both one value.");
            }
        }
    }

    private static string Name(CpuidMaker maker) => maker == CpuidMaker.Amd ? "AMD" : maker.ToString();
}
