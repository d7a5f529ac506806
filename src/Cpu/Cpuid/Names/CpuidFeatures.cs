// SPDX-License-Identifier: Apache-2.0

using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Globalization;

namespace KvmActors.Cpu.Cpuid.Names;

/// <summary>The named CPUID features, read once from the table <c>Features.txt</c>, which is part of the
/// assembly.</summary>
/// <remarks>Source: Intel SDM vol. 2A, "CPUID"; AMD APM vol. 3, appendix E. Other bits have no name, but are
/// compared and cut like these.</remarks>
public static class CpuidFeatures
{
    private static readonly ImmutableArray<(string Name, CpuidFeature Feature)> s_all = ReadTable();
    private static readonly FrozenDictionary<string, CpuidFeature> s_byName =
        s_all.ToFrozenDictionary(named => named.Name, named => named.Feature, StringComparer.Ordinal);
    private static readonly FrozenDictionary<CpuidFeature, string> s_names =
        s_all.ToFrozenDictionary(named => named.Feature, named => named.Name);

    /// <summary>Every named feature in the table's order: by leaf, subleaf, register and bit.</summary>
    public static ImmutableArray<(string Name, CpuidFeature Feature)> All => s_all;

    /// <exception cref="ArgumentException">No feature has this name.</exception>
    public static CpuidFeature Named(string name) => s_byName.TryGetValue(name, out CpuidFeature feature)
        ? feature
        : throw new ArgumentException(
            $"Expected the name of a CPUID feature, for instance avx2, found '{name}'.", nameof(name));

    public static bool TryNamed(string name, out CpuidFeature feature) => s_byName.TryGetValue(name, out feature);

    /// <summary>The feature's name, or null if the bit has none.</summary>
    public static string? NameOf(CpuidFeature feature) => s_names.GetValueOrDefault(feature);

    private static ImmutableArray<(string Name, CpuidFeature Feature)> ReadTable()
    {
        using Stream table =
            typeof(CpuidFeatures).Assembly.GetManifestResourceStream("KvmActors.Cpu.Cpuid.Features.txt")!;
        using StreamReader reader = new(table);
        ImmutableArray<(string, CpuidFeature)>.Builder all = ImmutableArray.CreateBuilder<(string, CpuidFeature)>();
        while (reader.ReadLine() is { } line)
        {
            if (line.StartsWith('#'))
            {
                continue;
            }

            string[] columns = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            CpuidFeature feature = new(
                Leaf: uint.Parse(columns[0], NumberStyles.HexNumber, CultureInfo.InvariantCulture),
                Subleaf: uint.Parse(columns[1], CultureInfo.InvariantCulture),
                Register: Enum.Parse<CpuidRegister>(columns[2], ignoreCase: true),
                Bit: int.Parse(columns[3], CultureInfo.InvariantCulture));
            all.Add((columns[4], feature));
        }

        return all.ToImmutable();
    }
}
