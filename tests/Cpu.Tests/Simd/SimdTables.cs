// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Cpuid.Names;

namespace KvmActors.Cpu.Tests.Simd;

/// <summary>CPUID tables with and without features of MMX and SSE, whatever else they have.</summary>
internal static class SimdTables
{
    /// <summary>All that <see cref="SimdForms"/> are of.</summary>
    public static CpuidTable WithAll(CpuidTable table) =>
        SimdForms.FeatureNames.Aggregate(table, (now, name) => Changed(now, CpuidFeatures.Named(name), isSet: true));

    public static CpuidTable Without(CpuidTable table, CpuidFeature feature) => Changed(table, feature, isSet: false);

    private static CpuidTable Changed(CpuidTable table, CpuidFeature feature, bool isSet) => CpuidTable.Of(
        from entry in table.Entries
        let isHere = entry.Leaf == feature.Leaf && entry.Subleaf == feature.Subleaf
        select !isHere ? entry : new CpuidEntry(
            entry.Leaf,
            entry.Subleaf,
            entry.Flags,
            entry.Eax,
            entry.Ebx,
            feature.Register == CpuidRegister.Ecx ? Changed(entry.Ecx, feature.Bit, isSet) : entry.Ecx,
            feature.Register == CpuidRegister.Edx ? Changed(entry.Edx, feature.Bit, isSet) : entry.Edx));

    private static uint Changed(uint register, int bit, bool isSet) =>
        isSet ? register | (1u << bit) : register & ~(1u << bit);
}
