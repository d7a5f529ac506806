// SPDX-License-Identifier: Apache-2.0

using System.Collections.Frozen;
using System.Collections.Immutable;

namespace KvmActors.Cpu.Cpuid.Names;

/// <summary>The named fields, from the table <c>Cpuid.txt</c>.</summary>
/// <remarks>Source: Intel SDM vol. 2A, "CPUID"; AMD APM vol. 3, appendix E.</remarks>
public static partial class CpuidFields
{
    private static readonly ImmutableArray<CpuidField> s_all = [.. Table()];
    private static readonly FrozenDictionary<(uint, CpuidRegister), ImmutableArray<CpuidField>> s_byRegister = s_all
        .GroupBy(field => (field.Leaf, field.Register))
        .ToFrozenDictionary(fields => fields.Key, fields => fields.OrderBy(field => field.Low).ToImmutableArray());

    /// <summary>Every field in the table's order: by leaf, subleaf, register and bit.</summary>
    public static ImmutableArray<CpuidField> All => s_all;

    /// <summary>The fields of one register, from its lowest bit up.</summary>
    public static IEnumerable<CpuidField> Of(uint leaf, uint subleaf, CpuidRegister register) =>
        s_byRegister.TryGetValue((leaf, register), out ImmutableArray<CpuidField> fields)
            ? fields.Where(field => field.IsOfSubleaf(subleaf))
            : [];

    /// <exception cref="ArgumentException">The subleaf has no field of this name.</exception>
    public static CpuidField Named(uint leaf, uint subleaf, string name) =>
        s_all.FirstOrDefault(field => field.Leaf == leaf && field.IsOfSubleaf(subleaf) && field.Name == name)
        ?? throw new ArgumentException(
            $"Expected the name of a field of leaf 0x{leaf:x}, subleaf {subleaf}, found '{name}'.", nameof(name));
}
