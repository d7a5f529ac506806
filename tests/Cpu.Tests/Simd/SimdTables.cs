// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Cpuid.Names;

namespace KvmActors.Cpu.Tests.Simd;

/// <summary>CPUID tables without a feature.</summary>
internal static class SimdTables
{
    public static CpuidTable Without(CpuidTable table, CpuidFeature feature) => CpuidTable.Of(
        from entry in table.Entries
        let isHere = entry.Leaf == feature.Leaf && entry.Subleaf == feature.Subleaf
        select !isHere ? entry : new CpuidEntry(
            entry.Leaf,
            entry.Subleaf,
            entry.Flags,
            entry.Eax,
            entry.Ebx,
            entry.Ecx & ~(feature.Register == CpuidRegister.Ecx ? 1u << feature.Bit : 0),
            entry.Edx & ~(feature.Register == CpuidRegister.Edx ? 1u << feature.Bit : 0)));
}
