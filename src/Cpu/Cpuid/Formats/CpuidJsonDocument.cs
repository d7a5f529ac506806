// SPDX-License-Identifier: Apache-2.0

using System.Text.Json;

namespace KvmActors.Cpu.Cpuid.Formats;

/// <summary>A JSON text of bounded size, read by places such as <c>entries[3].eax</c>; what is wrong is told with its
/// place and line.</summary>
internal sealed class CpuidJsonDocument
{
    public const int CharactersMax = 4 * 1024 * 1024;

    private static readonly JsonDocumentOptions s_strict = new() { AllowDuplicateProperties = false };

    private readonly string _text;

    private CpuidJsonDocument(string text) => _text = text;

    /// <exception cref="CpuidFormatException">No JSON, or what <paramref name="read"/> refuses.</exception>
    public static T Read<T>(string json, Func<CpuidJsonDocument, JsonElement, T> read)
    {
        ArgumentNullException.ThrowIfNull(json);
        CpuidNumber.Bound(json, CharactersMax);
        CpuidJsonDocument self = new(json.TrimStart('\uFEFF'));
        using JsonDocument document = self.Parse();
        try
        {
            return read(self, document.RootElement);
        }
        catch (InvalidOperationException halfCharacter)
        {
            // Escapes are only looked at where a string is read: "\ud800" is JSON and no text.
            throw new CpuidFormatException(0, "JSON strings of Unicode text", "half of a character", halfCharacter);
        }
    }

    public void Expect(bool holds, string place, string expected, string found)
    {
        if (!holds)
        {
            throw new CpuidFormatException(CpuidJsonLines.Find(_text, place), place, expected, found);
        }
    }

    public void ExpectKind(JsonElement element, JsonValueKind kind, string place) => Expect(
        element.ValueKind == kind,
        place,
        kind == JsonValueKind.Array ? "an array" : "an object",
        element.ValueKind.ToString());

    public JsonElement Member(JsonElement holder, string name, string place)
    {
        bool found = holder.TryGetProperty(name, out JsonElement member);
        Expect(found, place, $"a member \"{name}\"", "none");
        return member;
    }

    public void NoOthers(JsonElement holder, string place, params ReadOnlySpan<string> names)
    {
        foreach (JsonProperty member in holder.EnumerateObject())
        {
            Expect(names.Contains(member.Name), place, $"only {string.Join(", ", names)}", $"\"{member.Name}\"");
        }
    }

    public uint Hex(JsonElement value, string place)
    {
        string text = value.ValueKind == JsonValueKind.String ? value.GetString()! : "";
        bool reads = CpuidNumber.TryHex(text, out uint number);
        Expect(reads, place, "a string of 0x and one to eight hexadecimal digits", Raw(value));
        return number;
    }

    /// <summary>A value as a message quotes it.</summary>
    public static string Raw(JsonElement value)
    {
        string raw = value.GetRawText();
        return raw.Length <= 60 ? raw : raw[..60] + "…";
    }

    private JsonDocument Parse()
    {
        try
        {
            return JsonDocument.Parse(_text, s_strict);
        }
        catch (JsonException malformed)
        {
            int line = (int)(malformed.LineNumber + 1 ?? 0);
            throw new CpuidFormatException(line, "JSON", $"none: {Reason(malformed)}", malformed);
        }
        catch (Exception halfCharacter) when (halfCharacter is ArgumentException or InvalidOperationException)
        {
            throw new CpuidFormatException(0, "Unicode text", "half of a character", halfCharacter);
        }
    }

    /// <summary>Without the place, which the reader of a file is told in lines.</summary>
    private static string Reason(JsonException malformed) =>
        malformed.Message.Split(" LineNumber: ")[0].TrimEnd('.');
}
