// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Cpuid.Formats;

/// <summary>The flags of entries in a form that has none: the subleaf counts if the manuals give the leaf subleaves, or
/// if an entry of the leaf has a subleaf other than 0.</summary>
internal sealed class CpuidFlagRule
{
    private readonly HashSet<uint> _indexed;

    public CpuidFlagRule(IEnumerable<CpuidEntry> entries) =>
        _indexed = [.. entries.Where(entry => entry.Subleaf != 0).Select(entry => entry.Leaf)];

    public CpuidEntryFlags Of(uint leaf) => _indexed.Contains(leaf) || CpuidEnumeration.HasSubleaves(leaf)
        ? CpuidEntryFlags.SignificantIndex
        : CpuidEntryFlags.None;

    /// <summary>The table of entries of which those in <paramref name="said"/> bring their flags.</summary>
    public static CpuidTable Table(IReadOnlyList<CpuidEntry> entries, IReadOnlySet<int> said)
    {
        CpuidFlagRule rule = new(entries);
        return CpuidTable.Of(entries.Select((entry, position) =>
            said.Contains(position) ? entry : entry with { Flags = rule.Of(entry.Leaf) }));
    }
}
