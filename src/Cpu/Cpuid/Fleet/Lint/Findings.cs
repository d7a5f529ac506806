// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Cpuid.Names;

namespace KvmActors.Cpu.Cpuid.Fleet.Lint;

/// <summary>Short ways to say what a rule found.</summary>
internal static class Findings
{
    public static CpuidFinding OfBit(string rule, CpuidSeverity severity, CpuidFeature bit, string sentence) =>
        new(rule, severity, bit.Leaf, bit.Subleaf, bit.Register, bit.Bit, sentence);

    public static CpuidFinding OfRegister(
        string rule, CpuidSeverity severity, uint leaf, uint subleaf, CpuidRegister register, string sentence) =>
        new(rule, severity, leaf, subleaf, register, null, sentence);

    public static CpuidFinding OfEntry(string rule, CpuidSeverity severity, uint leaf, uint subleaf, string sentence) =>
        new(rule, severity, leaf, subleaf, null, null, sentence);

    public static string NameOf(CpuidFeature feature) => CpuidFeatures.NameOf(feature) ?? feature.ToString();

    /// <summary>Leaf 0x7, or leaf 0x7 subleaf 1.</summary>
    public static string Place(uint leaf, uint subleaf) =>
        CpuidEnumeration.HasSubleaves(leaf) || subleaf != 0 ? $"leaf 0x{leaf:x} subleaf {subleaf}" : $"leaf 0x{leaf:x}";
}
