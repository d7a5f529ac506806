// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using System.Numerics;

namespace KvmActors.Cpu.Cpuid.Vetting;

/// <summary>Makes of one table those of all vCPUs of a VM: each tells its own APIC id and how many there are, as one
/// package of so many cores of one thread.</summary>
/// <remarks>What KVM leaves to whoever runs it. HTT (CPUID.01H:EDX[28]) stays as it is: guests that look at leaf 0BH do
/// not need it, and no host offers it to a guest. Source: Intel SDM vol. 2A, "CPUID", leaves 01H and 0BH; AMD APM
/// vol. 3, E.4.7 (80000008H), E.4.16 (8000001EH).</remarks>
public static class CpuidPlacement
{
    private const uint LevelOfThreads = 0x100;
    private const uint LevelOfCores = 0x201;

    /// <summary>One table for each vCPU.</summary>
    /// <param name="table">The table of a VM of one; with <paramref name="vcpuCount"/> 1 it stays as it is.</param>
    /// <param name="vcpuCount">vCPUs of the VM, at most 255.</param>
    public static ImmutableArray<CpuidTable> OfAll(CpuidTable table, int vcpuCount)
    {
        ArgumentNullException.ThrowIfNull(table);
        return vcpuCount == 1
            ? [table]
            : [.. Enumerable.Range(0, vcpuCount).Select(vcpu => Of(table, (uint)vcpu, (uint)vcpuCount))];
    }

    private static CpuidTable Of(CpuidTable table, uint id, uint count) =>
        CpuidTable.Of(table.Entries.Select(entry => entry.Leaf switch
        {
            1 => entry with { Ebx = (entry.Ebx & 0xFFFF) | (count << 16) | (id << 24) },
            0xB or 0x1F => OfLevel(entry, id, count),
            0x8000_0008 => entry with { Ecx = (entry.Ecx & ~0xF0FFu) | (count - 1) | (BitsOf(count) << 12) },
            0x8000_001E => entry with { Eax = id },
            _ => entry,
        }));

    private static CpuidEntry OfLevel(CpuidEntry entry, uint id, uint count) => entry.Subleaf switch
    {
        0 => entry with { Eax = 0, Ebx = 1, Ecx = LevelOfThreads, Edx = id },
        1 => entry with { Eax = BitsOf(count), Ebx = count, Ecx = LevelOfCores, Edx = id },
        _ => entry with { Edx = id },
    };

    private static uint BitsOf(uint count) => (uint)BitOperations.Log2(BitOperations.RoundUpToPowerOf2(count));
}
