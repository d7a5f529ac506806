// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Cpu.Cpuid.Formats;

namespace KvmActors.Cpu.Cpuid.Models;

/// <summary>The library of named CPUs: a text file each, beside this one.</summary>
/// <remarks>
/// <para>A file is raw text as <see cref="CpuidText"/> reads it, behind comments that say <c># name:</c>,
/// <c># description:</c>, <c># vendor:</c>, <c># source:</c> and <c># date:</c>, a line each.</para>
/// <para>The values are raw, as the CPU says them: input for vetting. APIC ids and serial numbers are zeros.</para>
/// </remarks>
public static class CpuidModels
{
    private const string ResourcePrefix = "KvmActors.Cpu.Cpuid.Models.";

    private static readonly Lazy<ImmutableArray<CpuidModel>> s_all = new(ReadAll);

    /// <summary>All models: the levels of x86-64 first, then by maker and age.</summary>
    public static ImmutableArray<CpuidModel> All => s_all.Value;

    /// <returns>Null if the library has no such model.</returns>
    public static CpuidModel? Find(string name) =>
        All.FirstOrDefault(model => string.Equals(model.Name, name, StringComparison.OrdinalIgnoreCase));

    /// <summary>Reads one file of the library.</summary>
    /// <exception cref="CpuidFormatException">The text does not read, or a comment is missing.</exception>
    internal static CpuidModel Read(string text) => new(
        Said(text, "name"),
        Said(text, "description"),
        Said(text, "vendor"),
        Said(text, "source"),
        Said(text, "date"),
        CpuidText.Read(text));

    private static ImmutableArray<CpuidModel> ReadAll() =>
    [
        .. typeof(CpuidModels).Assembly.GetManifestResourceNames()
            .Where(name => name.StartsWith(ResourcePrefix, StringComparison.Ordinal))
            .Select(ReadResource)
            .OrderBy(model => !model.Name.StartsWith("x86-64-", StringComparison.Ordinal))
            .ThenBy(model => model.Vendor == CpuidVendor.Amd ? 1 : 0)
            .ThenBy(model => model.Date, StringComparer.Ordinal)
            .ThenBy(model => model.Name, StringComparer.Ordinal),
    ];

    private static CpuidModel ReadResource(string name)
    {
        using StreamReader reader = new(typeof(CpuidModels).Assembly.GetManifestResourceStream(name)!);
        return Read(reader.ReadToEnd());
    }

    private static string Said(string text, string what)
    {
        string mark = $"# {what}: ";
        foreach (ReadOnlySpan<char> line in text.AsSpan().EnumerateLines())
        {
            if (line.StartsWith(mark))
            {
                return line[mark.Length..].Trim().ToString();
            }
        }

        throw new CpuidFormatException(0, $"a comment '{mark}…'", "none");
    }
}
