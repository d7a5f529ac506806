// SPDX-License-Identifier: Apache-2.0

using static KvmActors.Cpu.Cpuid.Fleet.Lint.Findings;

namespace KvmActors.Cpu.Cpuid.Fleet.Lint;

/// <summary>The highest leaf of each class, and the highest subleaf of leaf 7 and its like, against the
/// entries.</summary>
internal static class MaximumRules
{
    private static readonly uint[] s_countedLeaves = [7, 0x14, 0x17, 0x18, 0x1D, 0x20, 0x24];

    public static IEnumerable<CpuidFinding> Check(CpuidTable table)
    {
        if (table.Entries.IsEmpty)
        {
            yield return OfEntry(
                "leaf-0-missing",
                CpuidSeverity.Warning,
                0,
                0,
                "Expected entries, found none: the guest reads zeros everywhere. Take a table from a host or a model.");
            yield break;
        }

        if (table.FirstOfLeaf(0) is null)
        {
            yield return OfEntry(
                "leaf-0-missing",
                CpuidSeverity.Error,
                0,
                0,
                "Expected leaf 0, which names the maker and the highest leaf, found none: software takes the CPU for "
                + "one "
                + "without CPUID. Add it.");
        }

        foreach (uint classBase in (uint[])[0, 0x8000_0000, 0xC000_0000])
        {
            foreach (CpuidFinding finding in OfClass(table, classBase))
            {
                yield return finding;
            }
        }

        foreach (CpuidFinding finding in s_countedLeaves.SelectMany(leaf => OfSubleaves(table, leaf)))
        {
            yield return finding;
        }
    }

    private static IEnumerable<CpuidFinding> OfClass(CpuidTable table, uint classBase)
    {
        uint classEnd = classBase == 0 ? 0x3FFF_FFFF : classBase | 0x3FFF_FFFF;
        uint[] leaves = [.. table.Entries.Where(entry => entry.Leaf >= classBase && entry.Leaf <= classEnd)
            .Where(entry => entry.Registers != default)
            .Select(entry => entry.Leaf)];
        if (leaves.Length == 0)
        {
            yield break;
        }

        uint highest = leaves.Max();
        uint said = table.FirstOfLeaf(classBase)?.Eax ?? 0;
        if (said < highest)
        {
            yield return OfRegister(
                "max-leaf",
                CpuidSeverity.Error,
                classBase,
                0,
                CpuidRegister.Eax,
                $"Expected EAX of leaf 0x{classBase:x} to reach leaf 0x{highest:x}, which the table has, found "
                + $"0x{said:x}: "
                + "software never reads beyond. Raise it, or remove the leaves beyond.");
        }
        else if (said > highest && table.FirstOfLeaf(said) is null)
        {
            yield return OfRegister(
                "max-leaf",
                CpuidSeverity.Note,
                classBase,
                0,
                CpuidRegister.Eax,
                $"Expected the last leaf to be 0x{highest:x}, found that EAX of leaf 0x{classBase:x} says "
                + $"0x{said:x}: the "
                + "leaves between answer zeros. Lower it if that is not meant.");
        }
    }

    private static IEnumerable<CpuidFinding> OfSubleaves(CpuidTable table, uint leaf)
    {
        CpuidEntry[] entries = [.. table.Entries.Where(entry => entry.Leaf == leaf)];
        uint said = table.Find(leaf, 0)?.Eax ?? 0;
        uint highest = entries.Where(entry => entry.Registers != default)
            .Select(entry => entry.Subleaf).DefaultIfEmpty().Max();
        if (highest > said)
        {
            yield return OfRegister(
                "max-subleaf",
                CpuidSeverity.Error,
                leaf,
                0,
                CpuidRegister.Eax,
                $"Expected EAX of leaf 0x{leaf:x} subleaf 0 to reach subleaf {highest}, which the table has, found "
                + $"{said}: "
                + "software never reads beyond. Raise it, or remove the subleaves beyond.");
        }
    }
}
