// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Xml;

namespace KvmActors.Cpu.Cpuid.Formats;

/// <summary>Reads and writes libvirt's CPU data: <c>cpudata</c> with an element <c>cpuid</c> an entry, as in its
/// tests/cputestdata and as its tools print it.</summary>
/// <remarks>
/// <code>
/// &lt;cpudata arch='x86'>
///   &lt;cpuid eax_in='0x00000007' ecx_in='0x00' eax='0x00000000' ebx='0x…' ecx='0x…' edx='0x…'/>
///   &lt;msr index='0x10a' edx='0x00000000' eax='0x0c04c8e0'/>
/// &lt;/cpudata>
/// </code>
/// <para>A table has no MSRs: they are read, reported and left out. Order and duplicates are kept. The form has no
/// flags; they follow the rule that <see cref="CpuidText"/> states. An entry with other flags, or with padding, is
/// written with an attribute <c>flags</c> and if need be <c>padding</c>, which libvirt does not look at.</para>
/// <para>No DTD, no entity but those of XML itself, no other document is ever read.</para>
/// </remarks>
public static class CpuidLibvirt
{
    public const int CharactersMax = 4 * 1024 * 1024;

    private const string Root = "cpudata";
    private const string HexWord = "0x and one to eight hexadecimal digits";

    /// <summary>MSRs kept in the report at most.</summary>
    private const int MsrsMax = 256;

    /// <exception cref="CpuidFormatException">No XML, or not this form. Names the line.</exception>
    public static CpuidTable Read(string text) => ReadDetails(text).Table;

    /// <summary>The table, and the MSRs that it does not hold.</summary>
    /// <exception cref="CpuidFormatException">No XML, or not this form. Names the line.</exception>
    public static CpuidFileReading ReadDetails(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        CpuidNumber.Bound(text, CharactersMax);
        XmlReaderSettings settings = new()
        {
            DtdProcessing = DtdProcessing.Prohibit,
            XmlResolver = null,
            MaxCharactersInDocument = CharactersMax,
            MaxCharactersFromEntities = CharactersMax,
            IgnoreComments = true,
            IgnoreProcessingInstructions = true,
            IgnoreWhitespace = true,
        };
        using var reader = XmlReader.Create(new StringReader(text.TrimStart('\uFEFF')), settings);
        try
        {
            return Document(reader);
        }
        catch (XmlException malformed)
        {
            // The first sentence; what follows is advice for programmers.
            string fault = malformed.Message.Split(". ")[0].TrimEnd('.');
            int line = malformed.LineNumber > 0 ? malformed.LineNumber : ((IXmlLineInfo)reader).LineNumber;
            throw new CpuidFormatException(Math.Max(line, 1), "XML", CpuidNumber.Quote(fault), malformed);
        }
    }

    public static string Write(CpuidTable table)
    {
        ArgumentNullException.ThrowIfNull(table);
        CpuidFlagRule rule = new(table.Entries);
        StringBuilder text = new("<cpudata arch='x86'>\n");
        foreach (CpuidEntry entry in table.Entries)
        {
            text.Append(
                CultureInfo.InvariantCulture,
                $"  <cpuid eax_in='0x{entry.Leaf:x8}' ecx_in='0x{entry.Subleaf:x2}' eax='0x{entry.Eax:x8}'");
            text.Append(
                CultureInfo.InvariantCulture,
                $" ebx='0x{entry.Ebx:x8}' ecx='0x{entry.Ecx:x8}' edx='0x{entry.Edx:x8}'");
            bool isPadded = (entry.Padding0 | entry.Padding1 | entry.Padding2) != 0;
            if (isPadded || entry.Flags != rule.Of(entry.Leaf))
            {
                text.Append(CultureInfo.InvariantCulture, $" flags='0x{(uint)entry.Flags:x8}'");
            }

            if (isPadded)
            {
                text.Append(
                    CultureInfo.InvariantCulture,
                    $" padding='0x{entry.Padding0:x8} 0x{entry.Padding1:x8} 0x{entry.Padding2:x8}'");
            }

            text.Append("/>\n");
        }

        return text.Append("</cpudata>\n").ToString();
    }

    private static CpuidFileReading Document(XmlReader reader)
    {
        reader.MoveToContent();
        Expect(reader, reader.LocalName == Root, "<cpudata arch='x86'>", $"<{reader.LocalName}>");
        string arch = reader.GetAttribute("arch") ?? "x86";
        Expect(reader, arch is "x86" or "x86_64" or "i686", "arch='x86'", CpuidNumber.Quote(arch));
        List<CpuidEntry> entries = [];
        HashSet<int> withFlags = [];
        ImmutableArray<string>.Builder leftOut = ImmutableArray.CreateBuilder<string>();
        if (!reader.IsEmptyElement)
        {
            while (reader.Read() && reader.NodeType != XmlNodeType.EndElement)
            {
                Expect(reader, reader.NodeType == XmlNodeType.Element, "an element", reader.NodeType.ToString());
                ReadElement(reader, entries, withFlags, leftOut);
            }
        }

        while (reader.Read())
        {
            // Reads on to the end, so that what follows is well-formed XML too.
        }

        return new CpuidFileReading(
            CpuidFlagRule.Table(entries, withFlags), CpuidFormat.Libvirt, leftOut.ToImmutable());
    }

    private static void ReadElement(
        XmlReader reader, List<CpuidEntry> entries, HashSet<int> withFlags, ImmutableArray<string>.Builder leftOut)
    {
        string name = reader.LocalName;
        bool isKnown = name is "cpuid" or "msr" && reader.NamespaceURI.Length == 0;
        Expect(reader, isKnown, "<cpuid> or <msr>", CpuidNumber.Quote(name));
        if (name == "msr")
        {
            Expect(reader, leftOut.Count < MsrsMax, $"at most {MsrsMax} MSRs", "one more");
            ulong value = ((ulong)Needed(reader, "edx") << 32) | Needed(reader, "eax");
            leftOut.Add($"MSR 0x{Needed(reader, "index"):x} = 0x{value:x16}");
        }
        else
        {
            Expect(
                reader, entries.Count < CpuidTable.EntriesMax, $"at most {CpuidTable.EntriesMax} entries", "one more");
            if (reader.GetAttribute("flags") is not null)
            {
                withFlags.Add(entries.Count);
            }

            entries.Add(Entry(reader));
        }

        if (!reader.IsEmptyElement)
        {
            reader.Read();
            Expect(reader, reader.NodeType == XmlNodeType.EndElement, $"</{name}>", reader.NodeType.ToString());
        }
    }

    private static CpuidEntry Entry(XmlReader reader)
    {
        uint[] padding = [0, 0, 0];
        if (reader.GetAttribute("padding") is { } text)
        {
            string[] words = text.Split(' ');
            bool reads = words.Length == 3;
            for (int i = 0; reads && i < 3; i++)
            {
                reads = CpuidNumber.TryHex(words[i], out padding[i]);
            }

            Expect(reader, reads, "padding='0x0 0x0 0x0'", CpuidNumber.Quote(text));
        }

        return new CpuidEntry(
            Needed(reader, "eax_in"),
            Optional(reader, "ecx_in"),
            (CpuidEntryFlags)Optional(reader, "flags"),
            Needed(reader, "eax"),
            Needed(reader, "ebx"),
            Needed(reader, "ecx"),
            Needed(reader, "edx"),
            padding[0],
            padding[1],
            padding[2]);
    }

    private static uint Optional(XmlReader reader, string name) =>
        reader.GetAttribute(name) is null ? 0 : Needed(reader, name);

    private static uint Needed(XmlReader reader, string name)
    {
        string? text = reader.GetAttribute(name);
        bool reads = CpuidNumber.TryHex(text, out uint value);
        Expect(reader, reads, $"{name} as {HexWord}", text is null ? "no such attribute" : CpuidNumber.Quote(text));
        return value;
    }

    private static void Expect(XmlReader reader, bool holds, string expected, string found)
    {
        if (!holds)
        {
            throw new CpuidFormatException(((IXmlLineInfo)reader).LineNumber, expected, found);
        }
    }
}
