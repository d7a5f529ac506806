// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Cpuid.Formats;

/// <summary>A table in a file of any form: the content says which.</summary>
/// <remarks>XML begins with &lt;, JSON with {: ours has a member "format", a Firecracker template has not. Everything
/// else is raw text.</remarks>
public static class CpuidFile
{
    /// <exception cref="CpuidFormatException">The text does not read as the form that it begins as.</exception>
    public static CpuidTable Read(string text) => ReadDetails(text).Table;

    /// <param name="cpu">Which CPU of a raw text of several, by the number in its heading; null: the first.</param>
    /// <exception cref="CpuidFormatException">The text does not read as the form that it begins as, or has no such
    /// CPU.</exception>
    public static CpuidFileReading ReadDetails(string text, int? cpu = null)
    {
        CpuidFormat format = Detect(text);
        if (format != CpuidFormat.Raw && cpu is not null and not 0)
        {
            throw new CpuidFormatException(
                0, $"raw text to take CPU {cpu} from", $"{format.ToString().ToLowerInvariant()}, which has one CPU");
        }

        return format switch
        {
            CpuidFormat.Libvirt => CpuidLibvirt.ReadDetails(text),
            CpuidFormat.Firecracker => CpuidFirecracker.ReadDetails(text),
            CpuidFormat.Json => new CpuidFileReading(CpuidJson.Read(text), format, []),
            _ => new CpuidFileReading(cpu is { } n ? CpuidText.Read(text, n) : CpuidText.Read(text), format, []),
        };
    }

    /// <exception cref="CpuidFormatException">The form cannot hold what the table says.</exception>
    public static string Write(CpuidTable table, CpuidFormat format) => format switch
    {
        CpuidFormat.Raw => CpuidText.Write(table),
        CpuidFormat.Json => CpuidJson.Write(table),
        CpuidFormat.Libvirt => CpuidLibvirt.Write(table),
        CpuidFormat.Firecracker => CpuidFirecracker.Write(table),
        _ => throw new ArgumentOutOfRangeException(nameof(format), format, "Expected a form, found none of them."),
    };

    /// <summary>The form that a text begins as; the rest of it may still be wrong.</summary>
    /// <exception cref="CpuidFormatException">It begins as JSON and is none.</exception>
    public static CpuidFormat Detect(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        ReadOnlySpan<char> content = text.AsSpan().TrimStart('\uFEFF').TrimStart();
        return (content.IsEmpty ? '\0' : content[0]) switch
        {
            '<' => CpuidFormat.Libvirt,
            '{' or '[' when CpuidFirecracker.LooksLikeTemplate(text) => CpuidFormat.Firecracker,
            '{' or '[' => CpuidFormat.Json,
            _ => CpuidFormat.Raw,
        };
    }
}
