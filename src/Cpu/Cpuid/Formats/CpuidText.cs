// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using System.Globalization;
using System.Text;

namespace KvmActors.Cpu.Cpuid.Formats;

/// <summary>Reads and writes the raw form of the <c>cpuid</c> program: <c>cpuid -r</c> (every CPU) and
/// <c>cpuid -1 -r</c> (one CPU).</summary>
/// <remarks>
/// <para>A CPU starts with <c>CPU:</c> or <c>CPU 3:</c>; then, a line each:
/// <c>   0x00000007 0x01: eax=0x00000020 ebx=0x00000000 ecx=0x00000000 edx=0x00000000</c>.
/// A line that starts with # is a comment, empty lines are skipped, and the heading may be missing.</para>
/// <para>The form has no flags. An entry's subleaf is significant if the manuals give the leaf subleaves or the text
/// has one other than 0 for it. Flags a table has beyond that are lost in writing; <see cref="CpuidJson"/> keeps
/// all.</para>
/// </remarks>
public static class CpuidText
{
    /// <summary>Characters read at most: a dump of a machine with thousands of CPUs is still shorter.</summary>
    public const int CharactersMax = 64 * 1024 * 1024;

    /// <summary>The table of the first CPU in the text.</summary>
    /// <exception cref="CpuidFormatException">A line does not read, or there is no entry.</exception>
    public static CpuidTable Read(string text) => ReadAll(text)[0];

    /// <summary>The tables of all CPUs in the text, in its order; at least one.</summary>
    /// <exception cref="CpuidFormatException">A line does not read, or there is no entry.</exception>
    public static ImmutableArray<CpuidTable> ReadAll(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (text.Length > CharactersMax)
        {
            throw new CpuidFormatException(0, $"at most {CharactersMax} characters", $"{text.Length}");
        }

        ImmutableArray<CpuidTable>.Builder tables = ImmutableArray.CreateBuilder<CpuidTable>();
        List<CpuidEntry> entries = [];
        int number = 0;
        foreach (ReadOnlySpan<char> line in text.AsSpan().EnumerateLines())
        {
            number++;
            ReadOnlySpan<char> content = line.Trim();
            if (content.IsEmpty || content[0] == '#')
            {
                continue;
            }

            if (content.StartsWith("CPU") && content[^1] == ':')
            {
                EndCpu(entries, tables);
                continue;
            }

            if (entries.Count == CpuidTable.EntriesMax)
            {
                throw new CpuidFormatException(
                    number, $"at most {CpuidTable.EntriesMax} entries of one CPU", "one more");
            }

            entries.Add(Entry(content, number));
        }

        EndCpu(entries, tables);
        return tables.Count > 0
            ? tables.ToImmutable()
            : throw new CpuidFormatException(
                number, "a line '0x00000000 0x00: eax=0x… ebx=0x… ecx=0x… edx=0x…'", "the end of the text");
    }

    /// <summary>One CPU as <c>cpuid -1 -r</c> writes it, lines ended by \n.</summary>
    public static string Write(CpuidTable table)
    {
        ArgumentNullException.ThrowIfNull(table);
        StringBuilder text = new("CPU:\n");
        foreach (CpuidEntry entry in table.Entries)
        {
            text.Append(
                CultureInfo.InvariantCulture, $"   0x{entry.Leaf:x8} 0x{entry.Subleaf:x2}: {entry.Registers}\n");
        }

        return text.ToString();
    }

    private static void EndCpu(List<CpuidEntry> entries, ImmutableArray<CpuidTable>.Builder tables)
    {
        if (entries.Count == 0)
        {
            return;
        }

        HashSet<uint> indexed = [.. entries.Where(entry => entry.Subleaf != 0).Select(entry => entry.Leaf)];
        tables.Add(CpuidTable.Of(entries.Select(entry =>
            indexed.Contains(entry.Leaf) || CpuidEnumeration.HasSubleaves(entry.Leaf)
                ? entry with { Flags = CpuidEntryFlags.SignificantIndex }
                : entry)));
        entries.Clear();
    }

    private static CpuidEntry Entry(ReadOnlySpan<char> line, int number)
    {
        ReadOnlySpan<char> rest = line;
        uint leaf = Hex(ref rest, "0x", "a leaf as 0x00000000", number);
        uint subleaf = Hex(ref rest, "0x", "a subleaf as 0x00", number);
        uint eax = Hex(ref rest, "eax=0x", "eax=0x followed by hexadecimal digits", number);
        uint ebx = Hex(ref rest, "ebx=0x", "ebx=0x followed by hexadecimal digits", number);
        uint ecx = Hex(ref rest, "ecx=0x", "ecx=0x followed by hexadecimal digits", number);
        uint edx = Hex(ref rest, "edx=0x", "edx=0x followed by hexadecimal digits", number);
        rest = rest.Trim();
        return rest.IsEmpty
            ? new CpuidEntry(leaf, subleaf, CpuidEntryFlags.None, eax, ebx, ecx, edx)
            : throw new CpuidFormatException(number, "the end of the line after edx", $"'{rest}'");
    }

    private static uint Hex(ref ReadOnlySpan<char> rest, string prefix, string expected, int number)
    {
        rest = rest.TrimStart();
        int end = rest.IndexOfAny(' ', '\t');
        ReadOnlySpan<char> word = end < 0 ? rest : rest[..end];
        rest = rest[word.Length..];
        ReadOnlySpan<char> digits = word.StartsWith(prefix) ? word[prefix.Length..].TrimEnd(':') : default;
        return uint.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out uint value)
            ? value
            : throw new CpuidFormatException(number, expected, word.IsEmpty ? "the end of the line" : $"'{word}'");
    }
}
