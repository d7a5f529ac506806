// SPDX-License-Identifier: Apache-2.0

using System.Text;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Cpuid.Names;
using KvmActors.Host.Cli;

namespace KvmActors.Host.Cpuid;

/// <summary>A table that was set, in one sentence: what it says, or what it changes.</summary>
internal static class CpuidSetText
{
    /// <param name="before">The vCPU's table until then; null if it had none.</param>
    public static string Describe(CpuidTable table, CpuidTable? before) => before is null
        ? $"The CPUID table was set: {Identity(table)}; {Features(CpuidDecoder.Decode(table))}."
        : $"The CPUID table was set again: {Identity(table)}; {Changes(before, table)}.";

    private static string Identity(CpuidTable table)
    {
        if (table.Entries.IsEmpty)
        {
            return "no entries, so every leaf answers zeros";
        }

        var summary = CpuidSummary.Of(table);
        string brand = summary.Brand.Length == 0 ? "" : $" \"{summary.Brand}\"";
        string widths = summary.PhysicalBits == 0
            ? ""
            : $", {summary.PhysicalBits} physical and {summary.LinearBits} linear address bits";
        string maker = summary.Maker.Length == 0 ? "no maker" : summary.Maker;
        return $"{CountText.Of(table.Entries.Length, "entry", "entries")}, {maker}{brand}, "
            + $"family {summary.Family} model {summary.Model} stepping {summary.Stepping}{widths}";
    }

    /// <summary>Features by leaf and register, for instance "leaf 0x7.0 ebx: bmi1 smep".</summary>
    private static string Features(CpuidDecoding decoding)
    {
        string[] registers =
        [
            .. from leaf in decoding.Leaves
               from register in leaf.Registers
               where register.Features.Length > 0
               let names = string.Join(' ', register.Features.Select(feature => feature.Name))
               select $"{Place(leaf.Leaf, leaf.Subleaf)} {Word(register.Register)}: {names}",
        ];
        return registers.Length == 0 ? "no features" : string.Join("; ", registers);
    }

    private static string Changes(CpuidTable before, CpuidTable after)
    {
        if (before.Equals(after))
        {
            return "the same as before";
        }

        (uint, uint)[] places =
        [
            .. before.Entries.Concat(after.Entries).Select(entry => (entry.Leaf, entry.Subleaf)).Distinct().Order(),
        ];
        string[] changes = [.. places.SelectMany(place => ChangesOf(before, after, place.Item1, place.Item2))];
        return changes.Length == 0
            ? "only flags, padding, order or hidden entries differ from before"
            : $"against the table before: {string.Join("; ", changes)}";
    }

    private static IEnumerable<string> ChangesOf(CpuidTable before, CpuidTable after, uint leaf, uint subleaf)
    {
        CpuidEntry? old = before.Find(leaf, subleaf);
        CpuidEntry? now = after.Find(leaf, subleaf);
        if (old is null || now is null)
        {
            yield return $"{Place(leaf, subleaf)} {(old is null ? "added" : "removed")}";
        }

        CpuidDecodedLeaf was = Decode(before, leaf, subleaf, old);
        CpuidDecodedLeaf has = Decode(after, leaf, subleaf, now);
        foreach ((CpuidDecodedRegister from, CpuidDecodedRegister to) in was.Registers.Zip(has.Registers))
        {
            string[] words = [.. ChangesOf(from, to)];
            if (words.Length > 0)
            {
                yield return $"{Place(leaf, subleaf)} {Word(from.Register)}: {string.Join(", ", words)}";
            }
        }
    }

    private static CpuidDecodedLeaf Decode(CpuidTable table, uint leaf, uint subleaf, CpuidEntry? entry) =>
        CpuidDecoder.Decode(
            entry ?? new CpuidEntry(leaf, subleaf, CpuidEntryFlags.None, 0, 0, 0, 0),
            isFound: true,
            CpuidSummary.Of(table).Hypervisor);

    private static IEnumerable<string> ChangesOf(CpuidDecodedRegister from, CpuidDecodedRegister to)
    {
        foreach ((CpuidDecodedField was, CpuidDecodedField has) in from.Fields.Zip(to.Fields))
        {
            if (was.Raw != has.Raw)
            {
                yield return $"{was.Field.Name} {was.Text} -> {has.Text}";
            }
        }

        foreach (CpuidFeatureName feature in from.Features.Except(to.Features))
        {
            yield return $"{feature.Name} cleared";
        }

        foreach (CpuidFeatureName feature in to.Features.Except(from.Features))
        {
            yield return $"{feature.Name} set";
        }

        if (from.Unknown != to.Unknown)
        {
            yield return $"unknown bits 0x{from.Unknown:x8} -> 0x{to.Unknown:x8}";
        }
    }

    private static string Place(uint leaf, uint subleaf)
    {
        StringBuilder place = new($"leaf 0x{leaf:x}");
        return (CpuidEnumeration.HasSubleaves(leaf) ? place.Append('.').Append(subleaf) : place).ToString();
    }

    private static string Word(CpuidRegister register) => register.ToString().ToLowerInvariant();
}
