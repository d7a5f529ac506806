// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace KvmActors.Cpu.Cpuid.Formats;

/// <summary>Reads, writes and applies Firecracker's custom CPU templates.</summary>
/// <remarks>
/// <code>
/// { "cpuid_modifiers": [ { "leaf": "0x7", "subleaf": "0x0", "flags": 1,
///     "modifiers": [ { "register": "ebx", "bitmap": "0bxxxx_xxxx_xxxx_xxxx_xxxx_xxxx_xx1x_xxxx" } ] } ] }
/// </code>
/// <para>A bitmap has the highest bit first; x leaves a bit as the host's KVM has it, and so do the bits above a bitmap
/// of fewer than 32. A table is written with every bit of every register said, and read from such a template only; one
/// with x needs <see cref="Apply"/>.</para>
/// <para>Order and flags are kept. Firecracker finds an entry by leaf and subleaf: a table with two entries for the
/// same, or with padding, is refused. What a template says of MSRs and KVM capabilities is reported and left
/// out.</para>
/// </remarks>
public static class CpuidFirecracker
{
    private const string Modifiers = "cpuid_modifiers";

    private static readonly JsonWriterOptions s_indented = new() { Indented = true, NewLine = "\n" };

    /// <summary>The table of a template that says every bit.</summary>
    /// <exception cref="CpuidFormatException">No JSON, not this form, or a bit is left to the host.</exception>
    public static CpuidTable Read(string text) => ReadDetails(text).Table;

    /// <summary>The table of a template that says every bit, and what the table does not hold.</summary>
    /// <exception cref="CpuidFormatException">No JSON, not this form, or a bit is left to the host.</exception>
    public static CpuidFileReading ReadDetails(string text) => CpuidJsonDocument.Read(text, (document, root) =>
    {
        ImmutableArray<CpuidTemplateEntry> template = CpuidTemplateReader.Entries(document, root);
        for (int position = 0; position < template.Length; position++)
        {
            CpuidTemplateEntry entry = template[position];
            document.Expect(
                entry.SaysEveryBit,
                $"{Modifiers}[{position}]",
                "eax, ebx, ecx and edx with 32 bits of 0 and 1 each",
                "bits that are left to the host. Apply the template to a table");
        }

        return new CpuidFileReading(
            CpuidTable.Of(template.Select(entry => entry.ToEntry())),
            CpuidFormat.Firecracker,
            CpuidTemplateReader.LeftOut(root));
    });

    /// <summary>What Firecracker makes of a table that a host offers: every entry of the template changes the entry
    /// with its leaf and subleaf, and gives it the template's flags.</summary>
    /// <exception cref="CpuidFormatException">No JSON, not this form, or the table has no entry that the template
    /// changes: Firecracker does not start such a VM either.</exception>
    public static CpuidTable Apply(string template, CpuidTable baseTable)
    {
        ArgumentNullException.ThrowIfNull(baseTable);
        return CpuidJsonDocument.Read(template, (document, root) =>
        {
            ImmutableArray<CpuidTemplateEntry> changes = CpuidTemplateReader.Entries(document, root);
            CpuidEntry[] entries = [.. baseTable.Entries];
            for (int position = 0; position < changes.Length; position++)
            {
                CpuidTemplateEntry change = changes[position];
                int found = Array.FindIndex(
                    entries, entry => entry.Leaf == change.Leaf && entry.Subleaf == change.Subleaf);
                document.Expect(
                    found >= 0,
                    $"{Modifiers}[{position}]",
                    $"leaf 0x{change.Leaf:x} subleaf 0x{change.Subleaf:x} in the table to change",
                    "no such entry");
                entries[found] = change.ApplyTo(entries[found]);
            }

            return CpuidTable.Of(entries);
        });
    }

    /// <exception cref="CpuidFormatException">Two entries for one leaf and subleaf, or padding.</exception>
    public static string Write(CpuidTable table)
    {
        ArgumentNullException.ThrowIfNull(table);
        HashSet<(uint Leaf, uint Subleaf)> written = [];
        using MemoryStream bytes = new();
        using (Utf8JsonWriter writer = new(bytes, s_indented))
        {
            writer.WriteStartObject();
            writer.WriteStartArray(Modifiers);
            foreach (CpuidEntry entry in table.Entries)
            {
                ExpectHeld(entry, written.Add((entry.Leaf, entry.Subleaf)));
                WriteEntry(writer, entry);
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        return Encoding.UTF8.GetString(bytes.ToArray()) + "\n";
    }

    /// <summary>True for a JSON text that has a member of a template.</summary>
    /// <exception cref="CpuidFormatException">No JSON.</exception>
    internal static bool LooksLikeTemplate(string text) => CpuidJsonDocument.Read(
        text,
        (_, root) => root.ValueKind == JsonValueKind.Object
            && !root.TryGetProperty("format", out JsonElement _)
            && CpuidTemplateReader.Members.Any(member => root.TryGetProperty(member, out JsonElement _)));

    private static void ExpectHeld(CpuidEntry entry, bool isFirst)
    {
        bool isPadded = (entry.Padding0 | entry.Padding1 | entry.Padding2) != 0;
        if (isPadded || !isFirst)
        {
            throw new CpuidFormatException(
                0,
                $"leaf 0x{entry.Leaf:x} subleaf 0x{entry.Subleaf:x}",
                "one entry without padding, as a Firecracker template holds it",
                isFirst ? "padding. The form json keeps it" : "a second one. The form json keeps both");
        }
    }

    private static void WriteEntry(Utf8JsonWriter writer, CpuidEntry entry)
    {
        writer.WriteStartObject();
        writer.WriteString("leaf", $"0x{entry.Leaf:x}");
        writer.WriteString("subleaf", $"0x{entry.Subleaf:x}");
        writer.WriteNumber("flags", (uint)entry.Flags);
        writer.WriteStartArray("modifiers");
        WriteRegister(writer, "eax", entry.Eax);
        WriteRegister(writer, "ebx", entry.Ebx);
        WriteRegister(writer, "ecx", entry.Ecx);
        WriteRegister(writer, "edx", entry.Edx);
        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private static void WriteRegister(Utf8JsonWriter writer, string name, uint value)
    {
        writer.WriteStartObject();
        writer.WriteString("register", name);
        writer.WriteString("bitmap", "0b" + value.ToString("b32", CultureInfo.InvariantCulture));
        writer.WriteEndObject();
    }
}
