// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using KvmActors.Cpu.Cpuid;

namespace KvmActors.Host.Fleet;

/// <summary>What a vCPU's guest has read with CPUID, as <c>vcpu cpuid observed --json</c> prints it.</summary>
/// <param name="Vcpu">Such as web/0.</param>
/// <param name="Observed">What was read.</param>
internal sealed record ObservedRecord(string Vcpu, ImmutableArray<CpuidObservation> Observed)
{
    private const string Advice = "Make one with: kvmactors vcpu cpuid observed VM/INDEX --json > FILE";

    /// <exception cref="CliFault">The file cannot be read, or is no such record.</exception>
    public static ObservedRecord Read(string file)
    {
        string text = TextFile.Read(file, "a record of what a guest has read", Advice);
        try
        {
            using var document = JsonDocument.Parse(text);
            return Of(document.RootElement);
        }
        catch (JsonException fault)
        {
            throw new CliFault(
                $"{file}: line {fault.LineNumber + 1}: expected JSON, found none: "
                + $"{fault.Message.Split(" LineNumber: ")[0]} {Advice}",
                fault);
        }
        catch (FormatException fault)
        {
            throw new CliFault($"{file}: {fault.Message} {Advice}", fault);
        }
    }

    private static ObservedRecord Of(JsonElement root)
    {
        bool isRecord = root.ValueKind == JsonValueKind.Object
            && root.TryGetProperty("observed", out JsonElement list) && list.ValueKind == JsonValueKind.Array;
        if (!isRecord)
        {
            throw new FormatException("expected an object with an array \"observed\", found none.");
        }

        string vcpu = root.TryGetProperty("vcpu", out JsonElement name) && name.ValueKind == JsonValueKind.String
            ? name.GetString()!
            : throw new FormatException("expected a text \"vcpu\", found none.");
        return new ObservedRecord(vcpu, [.. root.GetProperty("observed").EnumerateArray().Select(Observation)]);
    }

    private static CpuidObservation Observation(JsonElement entry, int position)
    {
        string where = $"observed[{position}]";
        if (entry.ValueKind != JsonValueKind.Object)
        {
            throw new FormatException($"{where}: expected an object, found {entry.ValueKind}.");
        }

        return new CpuidObservation(
            Hex(entry, where, "leaf"), Hex(entry, where, "subleaf"), Number(entry, where, "firstVmTime"),
            Number(entry, where, "reads"));
    }

    private static uint Hex(JsonElement entry, string where, string name)
    {
        string text = entry.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()!
            : "";
        ReadOnlySpan<char> digits = text.StartsWith("0x", StringComparison.Ordinal) ? text.AsSpan(2) : default;
        return uint.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out uint number)
            ? number
            : throw new FormatException($"{where}.{name}: expected a text such as \"0x7\", found \"{text}\".");
    }

    private static ulong Number(JsonElement entry, string where, string name) =>
        entry.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.Number
            && value.TryGetUInt64(out ulong number)
            ? number
            : throw new FormatException($"{where}.{name}: expected a whole number, found none.");
}
