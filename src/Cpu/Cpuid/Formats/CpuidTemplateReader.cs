// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;

namespace KvmActors.Cpu.Cpuid.Formats;

/// <summary>Reads the JSON of a Firecracker template.</summary>
/// <remarks>Source: Firecracker, docs/cpu_templates/cpu-templates.md and
/// src/vmm/src/cpu_config/templates.rs.</remarks>
internal static class CpuidTemplateReader
{
    private const string Modifiers = "cpuid_modifiers";
    private const string NumberWords = "a string of 0x or 0b and digits, at most 32 bits";
    private const string BitmapWords = "a string of 0b and one to 32 of 0, 1 and x, with _ between";

    /// <summary>Everything a template may have at its top.</summary>
    public static ImmutableArray<string> Members { get; } =
        [Modifiers, "msr_modifiers", "kvm_capabilities", "vcpu_features", "reg_modifiers"];

    /// <exception cref="CpuidFormatException">Not a template.</exception>
    public static ImmutableArray<CpuidTemplateEntry> Entries(CpuidJsonDocument document, JsonElement root)
    {
        document.ExpectKind(root, JsonValueKind.Object, "document");
        document.NoOthers(root, "document", Members.AsSpan());
        if (!root.TryGetProperty(Modifiers, out JsonElement entries))
        {
            return [];
        }

        document.ExpectKind(entries, JsonValueKind.Array, Modifiers);
        int count = entries.GetArrayLength();
        document.Expect(count <= CpuidTable.EntriesMax, Modifiers, $"at most {CpuidTable.EntriesMax}", $"{count}");
        return [.. entries.EnumerateArray().Select((entry, position) => Entry(document, entry, position))];
    }

    /// <summary>What a table does not hold, in words.</summary>
    public static ImmutableArray<string> LeftOut(JsonElement root) =>
    [
        .. Members.Skip(1)
            .Where(member => root.TryGetProperty(member, out JsonElement value)
                && value.ValueKind == JsonValueKind.Array && value.GetArrayLength() > 0)
            .Select(member => $"{root.GetProperty(member).GetArrayLength()} of {member}"),
    ];

    private static CpuidTemplateEntry Entry(CpuidJsonDocument document, JsonElement entry, int position)
    {
        string place = $"{Modifiers}[{position}]";
        document.ExpectKind(entry, JsonValueKind.Object, place);
        document.NoOthers(entry, place, "leaf", "subleaf", "flags", "modifiers");
        uint leaf = Number(document, document.Member(entry, "leaf", place), $"{place}.leaf");
        uint subleaf = Number(document, document.Member(entry, "subleaf", place), $"{place}.subleaf");
        JsonElement flags = document.Member(entry, "flags", place);
        uint flagBits = 0;
        document.Expect(
            flags.ValueKind == JsonValueKind.Number && flags.TryGetUInt32(out flagBits),
            $"{place}.flags",
            "a number of 32 bits",
            CpuidJsonDocument.Raw(flags));
        JsonElement modifiers = document.Member(entry, "modifiers", place);
        document.ExpectKind(modifiers, JsonValueKind.Array, $"{place}.modifiers");
        uint[] said = new uint[4];
        uint[] value = new uint[4];
        int next = 0;
        foreach (JsonElement modifier in modifiers.EnumerateArray())
        {
            string at = $"{place}.modifiers[{next++}]";
            document.ExpectKind(modifier, JsonValueKind.Object, at);
            document.NoOthers(modifier, at, "register", "bitmap");
            int register = Register(document, document.Member(modifier, "register", at), $"{at}.register");
            (uint bits, uint ones) = Bitmap(document, document.Member(modifier, "bitmap", at), $"{at}.bitmap");
            said[register] |= bits;
            value[register] = (value[register] & ~bits) | ones;
        }

        return new CpuidTemplateEntry(
            leaf,
            subleaf,
            (CpuidEntryFlags)flagBits,
            new CpuidRegisters(said[0], said[1], said[2], said[3]),
            new CpuidRegisters(value[0], value[1], value[2], value[3]));
    }

    private static uint Number(CpuidJsonDocument document, JsonElement value, string place)
    {
        string text = value.ValueKind == JsonValueKind.String ? value.GetString()! : "";
        uint number = 0;
        bool reads = text.StartsWith("0b", StringComparison.Ordinal)
            ? uint.TryParse(
                text.AsSpan(2), NumberStyles.AllowBinarySpecifier, CultureInfo.InvariantCulture, out number)
            : CpuidNumber.TryHex(text, out number);
        document.Expect(reads, place, NumberWords, CpuidJsonDocument.Raw(value));
        return number;
    }

    private static int Register(CpuidJsonDocument document, JsonElement value, string place)
    {
        int register = value.ValueKind == JsonValueKind.String
            ? Array.IndexOf(["eax", "ebx", "ecx", "edx"], value.GetString())
            : -1;
        document.Expect(
            register >= 0, place, "\"eax\", \"ebx\", \"ecx\" or \"edx\"", CpuidJsonDocument.Raw(value));
        return register;
    }

    private static (uint Said, uint Ones) Bitmap(CpuidJsonDocument document, JsonElement value, string place)
    {
        string text = value.ValueKind == JsonValueKind.String ? value.GetString()! : "";
        uint said = 0;
        uint ones = 0;
        int bits = 0;
        bool reads = text.StartsWith("0b", StringComparison.Ordinal);
        foreach (char digit in reads ? text.AsSpan(2) : default)
        {
            if (digit == '_')
            {
                continue;
            }

            reads &= digit is '0' or '1' or 'x' && ++bits <= 32;
            said = (said << 1) | (digit == 'x' ? 0u : 1u);
            ones = (ones << 1) | (digit == '1' ? 1u : 0u);
        }

        document.Expect(reads && bits > 0, place, BitmapWords, CpuidJsonDocument.Raw(value));
        return (said, ones);
    }
}
