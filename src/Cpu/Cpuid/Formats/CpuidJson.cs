// SPDX-License-Identifier: Apache-2.0

using System.Text;
using System.Text.Json;

namespace KvmActors.Cpu.Cpuid.Formats;

/// <summary>Our JSON form of a table. It keeps everything: order, duplicates, flags and padding.</summary>
/// <remarks>
/// <code>
/// {
///   "format": "kvmactors-cpuid",
///   "version": 1,
///   "entries": [
///     { "leaf": "0x00000007", "subleaf": "0x00000000", "flags": "0x00000001",
///       "eax": "0x00000000", "ebx": "0x00000000", "ecx": "0x00000000", "edx": "0x00000000" }
///   ]
/// }
/// </code>
/// Numbers are strings of 0x and one to eight hexadecimal digits. <c>subleaf</c> and <c>flags</c> may be left out for
/// 0; <c>padding</c>, three such strings, is there only if one is not 0. Unknown members are refused.
/// </remarks>
public static class CpuidJson
{
    private const string Format = "kvmactors-cpuid";
    private const int Version = 1;

    private static readonly JsonWriterOptions s_indented = new() { Indented = true, NewLine = "\n" };

    public static string Write(CpuidTable table)
    {
        ArgumentNullException.ThrowIfNull(table);
        using MemoryStream bytes = new();
        using (Utf8JsonWriter writer = new(bytes, s_indented))
        {
            writer.WriteStartObject();
            writer.WriteString("format", Format);
            writer.WriteNumber("version", Version);
            writer.WriteStartArray("entries");
            foreach (CpuidEntry entry in table.Entries)
            {
                WriteEntry(writer, entry);
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        return Encoding.UTF8.GetString(bytes.ToArray()) + "\n";
    }

    /// <exception cref="CpuidFormatException">No JSON, or not this form. Names the line and the place.</exception>
    public static CpuidTable Read(string json) => CpuidJsonDocument.Read(json, Table);

    private static CpuidTable Table(CpuidJsonDocument document, JsonElement root)
    {
        document.ExpectKind(root, JsonValueKind.Object, "document");
        JsonElement format = document.Member(root, "format", "document");
        document.Expect(
            format.ValueKind == JsonValueKind.String && format.ValueEquals(Format),
            "format",
            $"\"{Format}\"",
            CpuidJsonDocument.Raw(format));
        JsonElement version = document.Member(root, "version", "document");
        document.Expect(
            version.GetRawText() == "1", "version", "1, the only version so far", CpuidJsonDocument.Raw(version));
        JsonElement entries = document.Member(root, "entries", "document");
        document.ExpectKind(entries, JsonValueKind.Array, "entries");
        int count = entries.GetArrayLength();
        document.Expect(
            count <= CpuidTable.EntriesMax, "entries", $"at most {CpuidTable.EntriesMax}", $"{count}");
        document.NoOthers(root, "document", "format", "version", "entries");
        return CpuidTable.Of(entries.EnumerateArray().Select((entry, position) => Entry(document, entry, position)));
    }

    private static CpuidEntry Entry(CpuidJsonDocument document, JsonElement entry, int position)
    {
        string where = $"entries[{position}]";
        document.ExpectKind(entry, JsonValueKind.Object, where);
        document.NoOthers(entry, where, "leaf", "subleaf", "flags", "eax", "ebx", "ecx", "edx", "padding");
        uint Optional(string name) =>
            entry.TryGetProperty(name, out JsonElement value) ? document.Hex(value, $"{where}.{name}") : 0;
        uint Needed(string name) => document.Hex(document.Member(entry, name, where), $"{where}.{name}");
        uint[] padding = [0, 0, 0];
        if (entry.TryGetProperty("padding", out JsonElement words))
        {
            bool three = words.ValueKind == JsonValueKind.Array && words.GetArrayLength() == 3;
            document.Expect(three, $"{where}.padding", "an array of three words", CpuidJsonDocument.Raw(words));
            padding = [.. words.EnumerateArray().Select(word => document.Hex(word, $"{where}.padding"))];
        }

        return new CpuidEntry(
            Needed("leaf"), Optional("subleaf"), (CpuidEntryFlags)Optional("flags"),
            Needed("eax"), Needed("ebx"), Needed("ecx"), Needed("edx"), padding[0], padding[1], padding[2]);
    }

    private static void WriteEntry(Utf8JsonWriter writer, CpuidEntry entry)
    {
        writer.WriteStartObject();
        writer.WriteString("leaf", CpuidNumber.Hex(entry.Leaf));
        writer.WriteString("subleaf", CpuidNumber.Hex(entry.Subleaf));
        writer.WriteString("flags", CpuidNumber.Hex((uint)entry.Flags));
        writer.WriteString("eax", CpuidNumber.Hex(entry.Eax));
        writer.WriteString("ebx", CpuidNumber.Hex(entry.Ebx));
        writer.WriteString("ecx", CpuidNumber.Hex(entry.Ecx));
        writer.WriteString("edx", CpuidNumber.Hex(entry.Edx));
        if ((entry.Padding0 | entry.Padding1 | entry.Padding2) != 0)
        {
            writer.WriteStartArray("padding");
            writer.WriteStringValue(CpuidNumber.Hex(entry.Padding0));
            writer.WriteStringValue(CpuidNumber.Hex(entry.Padding1));
            writer.WriteStringValue(CpuidNumber.Hex(entry.Padding2));
            writer.WriteEndArray();
        }

        writer.WriteEndObject();
    }
}
