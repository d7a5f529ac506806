// SPDX-License-Identifier: Apache-2.0

using System.Globalization;
using KvmActors.Cpu.Cpuid.Fleet;
using KvmActors.Host.Cli;

namespace KvmActors.Host.Fleet;

/// <summary>Words about differences, for people.</summary>
internal static class FleetText
{
    /// <summary>Names told in one cell of a table.</summary>
    private const int NamesMax = 6;

    /// <summary><c>1 thing</c>, <c>3 things</c>, <c>nothing</c>.</summary>
    public static string Things(int count) => count == 0 ? "nothing" : CountText.Of(count, "thing");

    /// <summary>A value as it is read best: registers in hexadecimal, bits and numbers in decimal.</summary>
    public static string Value(CpuidDifference difference, uint value) =>
        difference.Bit is null && difference.Rule != CpuidRule.Xsave
            ? $"0x{value:x8}"
            : value.ToString(CultureInfo.InvariantCulture);

    /// <summary>What differs, with the numbers where it is more than a bit: <c>physical address bits 52 -> 46</c>.
    /// </summary>
    public static string Change(CpuidDifference difference)
    {
        bool isBit = difference.Bit is not null && difference.Rule != CpuidRule.Numbers;
        return isBit ? difference.Name
            : $"{difference.Name} {Value(difference, difference.A)} -> {Value(difference, difference.B)}";
    }

    /// <summary>The first names, and how many more there are.</summary>
    public static string Some(IReadOnlyCollection<string> names)
    {
        string more = names.Count > NamesMax
            ? string.Create(CultureInfo.InvariantCulture, $" and {names.Count - NamesMax} more")
            : "";
        return names.Count == 0 ? "nothing" : string.Join(", ", names.Take(NamesMax)) + more;
    }

    /// <summary>What a feature is called in a table that says elsewhere where it is.</summary>
    public static string Name(CpuidDifference difference) =>
        difference.Name == difference.Place ? "(no name)" : difference.Name;

    /// <summary>A line for each rule of differences that decide nothing.</summary>
    public static IEnumerable<(string Rule, string What)> Notes(IEnumerable<CpuidDifference> notes) => notes
        .GroupBy(note => note.Rule)
        .OrderBy(rule => rule.Key)
        .Select(rule => (
            rule.Key.ToString().ToLowerInvariant(),
            string.Join(", ", rule.Select(note => Short(rule.Key, note)).Distinct())));

    private static string Short(CpuidRule rule, CpuidDifference note) =>
        note.Name.StartsWith($"{rule}", StringComparison.OrdinalIgnoreCase) ? $"leaf 0x{note.Leaf:x}" : note.Name;
}
