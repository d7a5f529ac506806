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
/// What stands behind a # is a comment, empty lines are skipped, and the heading may be missing.</para>
/// <para>Order and duplicates are kept. The form has no flags: an entry's subleaf is significant if the manuals give
/// the leaf subleaves or the text has one other than 0 for it. An entry with other flags, or with padding, is written
/// with a comment that this reader understands,
/// <c># flags=0x00000000 padding=0x00000000,0x00000000,0x00000001</c>; <c>cpuid -f FILE</c> refuses comments, but reads
/// everything else that is written here. A table without entries cannot be written.</para>
/// </remarks>
public static class CpuidText
{
    /// <summary>Characters read at most: a dump of a machine with thousands of CPUs is still shorter.</summary>
    public const int CharactersMax = 64 * 1024 * 1024;

    /// <summary>The table of the first CPU in the text.</summary>
    /// <exception cref="CpuidFormatException">A line does not read, or there is no entry.</exception>
    public static CpuidTable Read(string text) => ReadAll(text)[0];

    /// <summary>The table of one CPU of several.</summary>
    /// <param name="cpu">The number in its heading; <c>CPU:</c> and a text without headings are CPU 0.</param>
    /// <exception cref="CpuidFormatException">A line does not read, or there is no such CPU.</exception>
    public static CpuidTable Read(string text, int cpu)
    {
        ImmutableArray<(int Cpu, CpuidTable Table)> all = Parse(text);
        foreach ((int number, CpuidTable table) in all)
        {
            if (number == cpu)
            {
                return table;
            }
        }

        throw new CpuidFormatException(
            0,
            $"a heading 'CPU {cpu}:'",
            all.Length == 1
                ? $"CPU {all[0].Cpu} alone"
                : $"{all.Length} CPUs from {all[0].Cpu} to {all[^1].Cpu}");
    }

    /// <summary>The tables of all CPUs in the text, in its order; at least one.</summary>
    /// <exception cref="CpuidFormatException">A line does not read, or there is no entry.</exception>
    public static ImmutableArray<CpuidTable> ReadAll(string text) => [.. Parse(text).Select(found => found.Table)];

    /// <summary>One CPU as <c>cpuid -1 -r</c> writes it, lines ended by \n.</summary>
    /// <exception cref="CpuidFormatException">The table has no entry.</exception>
    public static string Write(CpuidTable table)
    {
        ArgumentNullException.ThrowIfNull(table);
        if (table.Entries.IsEmpty)
        {
            throw new CpuidFormatException(
                0, "a table with an entry, as every CPU has", "an empty one, which only the other forms can hold");
        }

        CpuidFlagRule rule = new(table.Entries);
        StringBuilder text = new("CPU:\n");
        foreach (CpuidEntry entry in table.Entries)
        {
            text.Append(CultureInfo.InvariantCulture, $"   {Line(entry.Leaf, entry.Subleaf, entry.Registers)}");
            AppendExtra(text, entry, rule);
            text.Append('\n');
        }

        return text.ToString();
    }

    /// <summary>One line of the form, without indentation and line end.</summary>
    public static string Line(uint leaf, uint subleaf, CpuidRegisters registers) =>
        $"0x{leaf:x8} 0x{subleaf:x2}: {registers}";

    private static void AppendExtra(StringBuilder text, CpuidEntry entry, CpuidFlagRule rule)
    {
        bool isPadded = (entry.Padding0 | entry.Padding1 | entry.Padding2) != 0;
        if (!isPadded && entry.Flags == rule.Of(entry.Leaf))
        {
            return;
        }

        text.Append(CultureInfo.InvariantCulture, $" # flags=0x{(uint)entry.Flags:x8}");
        if (isPadded)
        {
            text.Append(
                CultureInfo.InvariantCulture,
                $" padding=0x{entry.Padding0:x8},0x{entry.Padding1:x8},0x{entry.Padding2:x8}");
        }
    }

    private static ImmutableArray<(int Cpu, CpuidTable Table)> Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        CpuidNumber.Bound(text, CharactersMax);
        CpuidTextCpus cpus = new();
        int number = 0;
        foreach (ReadOnlySpan<char> line in text.AsSpan().TrimStart('\uFEFF').EnumerateLines())
        {
            number++;
            int comment = line.IndexOf('#');
            ReadOnlySpan<char> content = (comment < 0 ? line : line[..comment]).Trim();
            if (content.IsEmpty)
            {
                continue;
            }

            if (content.StartsWith("CPU"))
            {
                cpus.Begin(content, number);
            }
            else
            {
                cpus.Add(CpuidTextLine.Read(content, number), comment < 0 ? default : line[(comment + 1)..], number);
            }
        }

        return cpus.End(number);
    }
}
