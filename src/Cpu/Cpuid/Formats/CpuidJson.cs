// SPDX-License-Identifier: Apache-2.0

using System.Globalization;
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

    /// <exception cref="CpuidFormatException">No JSON, or not this form. Names the line or the entry.</exception>
    public static CpuidTable Read(string json)
    {
        ArgumentNullException.ThrowIfNull(json);
        try
        {
            using var document = JsonDocument.Parse(json);
            return Table(document.RootElement);
        }
        catch (JsonException malformed)
        {
            throw new CpuidFormatException(
                $"line {malformed.LineNumber + 1}: expected JSON, found: {malformed.Message}", malformed);
        }
    }

    private static CpuidTable Table(JsonElement root)
    {
        Expect(root.ValueKind == JsonValueKind.Object, "document", "an object", root.ValueKind.ToString());
        JsonElement format = Member(root, "format", "document");
        Expect(format.GetRawText() == $"\"{Format}\"", "format", $"\"{Format}\"", format.GetRawText());
        JsonElement version = Member(root, "version", "document");
        Expect(version.GetRawText() == "1", "version", "1, the only version so far", version.GetRawText());
        JsonElement entries = Member(root, "entries", "document");
        Expect(entries.ValueKind == JsonValueKind.Array, "entries", "an array", entries.ValueKind.ToString());
        int count = entries.GetArrayLength();
        Expect(count <= CpuidTable.EntriesMax, "entries", $"at most {CpuidTable.EntriesMax}", $"{count}");
        NoOthers(root, "document", ["format", "version", "entries"]);
        return CpuidTable.Of(entries.EnumerateArray().Select(Entry));
    }

    private static CpuidEntry Entry(JsonElement entry, int position)
    {
        string where = $"entries[{position}]";
        Expect(entry.ValueKind == JsonValueKind.Object, where, "an object", entry.ValueKind.ToString());
        NoOthers(entry, where, ["leaf", "subleaf", "flags", "eax", "ebx", "ecx", "edx", "padding"]);
        uint Optional(string name) =>
            entry.TryGetProperty(name, out JsonElement value) ? Hex(value, $"{where}.{name}") : 0;
        uint Needed(string name) => Hex(Member(entry, name, where), $"{where}.{name}");
        uint[] padding = [0, 0, 0];
        if (entry.TryGetProperty("padding", out JsonElement words))
        {
            bool three = words.ValueKind == JsonValueKind.Array && words.GetArrayLength() == 3;
            Expect(three, $"{where}.padding", "an array of three words", words.GetRawText());
            padding = [.. words.EnumerateArray().Select(word => Hex(word, $"{where}.padding"))];
        }

        return new CpuidEntry(
            Needed("leaf"), Optional("subleaf"), (CpuidEntryFlags)Optional("flags"),
            Needed("eax"), Needed("ebx"), Needed("ecx"), Needed("edx"), padding[0], padding[1], padding[2]);
    }

    private static void WriteEntry(Utf8JsonWriter writer, CpuidEntry entry)
    {
        writer.WriteStartObject();
        writer.WriteString("leaf", Hex(entry.Leaf));
        writer.WriteString("subleaf", Hex(entry.Subleaf));
        writer.WriteString("flags", Hex((uint)entry.Flags));
        writer.WriteString("eax", Hex(entry.Eax));
        writer.WriteString("ebx", Hex(entry.Ebx));
        writer.WriteString("ecx", Hex(entry.Ecx));
        writer.WriteString("edx", Hex(entry.Edx));
        if ((entry.Padding0 | entry.Padding1 | entry.Padding2) != 0)
        {
            writer.WriteStartArray("padding");
            writer.WriteStringValue(Hex(entry.Padding0));
            writer.WriteStringValue(Hex(entry.Padding1));
            writer.WriteStringValue(Hex(entry.Padding2));
            writer.WriteEndArray();
        }

        writer.WriteEndObject();
    }

    private static string Hex(uint value) => $"0x{value:x8}";

    private static uint Hex(JsonElement value, string where)
    {
        string text = value.ValueKind == JsonValueKind.String ? value.GetString()! : "";
        ReadOnlySpan<char> digits = text.StartsWith("0x", StringComparison.Ordinal) ? text.AsSpan(2) : default;
        bool reads = uint.TryParse(
            digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out uint number);
        Expect(reads, where, "a string of 0x and one to eight hexadecimal digits", value.GetRawText());
        return number;
    }

    private static JsonElement Member(JsonElement holder, string name, string where)
    {
        bool found = holder.TryGetProperty(name, out JsonElement member);
        Expect(found, where, $"a member \"{name}\"", "none");
        return member;
    }

    private static void NoOthers(JsonElement holder, string where, string[] names)
    {
        foreach (JsonProperty member in holder.EnumerateObject())
        {
            Expect(names.Contains(member.Name), where, $"only {string.Join(", ", names)}", $"\"{member.Name}\"");
        }
    }

    private static void Expect(bool holds, string where, string expected, string found)
    {
        if (!holds)
        {
            throw new CpuidFormatException($"{where}: expected {expected}, found {found}.");
        }
    }
}
