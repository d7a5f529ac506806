// SPDX-License-Identifier: Apache-2.0

using static KvmActors.Cpu.Cpuid.Fleet.Lint.Findings;

namespace KvmActors.Cpu.Cpuid.Fleet.Lint;

/// <summary>The list of entries: what the look-up can never find, and flags that change what it finds.</summary>
internal static class EntryRules
{
    private const CpuidEntryFlags Stateful = CpuidEntryFlags.StatefulFunction | CpuidEntryFlags.StateReadNext;

    public static IEnumerable<CpuidFinding> Check(CpuidTable table)
    {
        Dictionary<(uint, uint), int> first = [];
        Dictionary<uint, int> openLeaves = [];
        for (int i = 0; i < table.Entries.Length; i++)
        {
            CpuidEntry entry = table.Entries[i];
            bool isIndexed = entry.Flags.HasFlag(CpuidEntryFlags.SignificantIndex);
            bool isStateful = (entry.Flags & Stateful) != 0;
            if (openLeaves.TryGetValue(entry.Leaf, out int hider) && !isStateful)
            {
                yield return Hidden(entry, hider);
            }
            else if (!first.TryAdd((entry.Leaf, entry.Subleaf), i) && !isStateful)
            {
                yield return Hidden(entry, first[(entry.Leaf, entry.Subleaf)]);
            }

            if (!isIndexed)
            {
                openLeaves.TryAdd(entry.Leaf, i);
            }

            foreach (CpuidFinding finding in Flags(entry, isIndexed, isStateful))
            {
                yield return finding;
            }
        }
    }

    private static CpuidFinding Hidden(CpuidEntry entry, int hider) => OfEntry(
        "duplicate-entry",
        CpuidSeverity.Warning,
        entry.Leaf,
        entry.Subleaf,
        $"Expected one entry that answers {Place(entry.Leaf, entry.Subleaf)}, found another behind entry {hider + 1}, "
        + "which hides it from the guest. Remove one of them.");

    private static IEnumerable<CpuidFinding> Flags(CpuidEntry entry, bool isIndexed, bool isStateful)
    {
        bool hasSubleaves = CpuidEnumeration.HasSubleaves(entry.Leaf);
        if (hasSubleaves && !isIndexed)
        {
            yield return OfEntry(
                "index-flag",
                CpuidSeverity.Warning,
                entry.Leaf,
                entry.Subleaf,
                $"Expected leaf 0x{entry.Leaf:x}, which has subleaves, with the flag that the index counts, found it "
                + "without: it answers every subleaf. Set flag 1.");
        }

        if (!hasSubleaves && isIndexed)
        {
            yield return OfEntry(
                "index-flag",
                CpuidSeverity.Note,
                entry.Leaf,
                entry.Subleaf,
                $"Expected leaf 0x{entry.Leaf:x}, which has no subleaves, without the flag that the index counts, "
                + "found "
                + $"it set: only ECX = {entry.Subleaf} is answered. Clear flag 1 unless that is meant.");
        }

        if (isStateful)
        {
            yield return OfEntry(
                "stateful-flag",
                CpuidSeverity.Note,
                entry.Leaf,
                entry.Subleaf,
                "Expected no flag 2 or 4, found one: today's KVM keeps and ignores them. Clear them unless the table "
                + "is "
                + "for the dialect of 2007.");
        }
    }
}
