// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;

namespace KvmActors.Cpu.Cpuid.Names;

/// <summary>One level of the topology, threads being the innermost.</summary>
/// <param name="Leaf">The leaf that tells of it.</param>
/// <param name="Kind">thread, core, module, …</param>
/// <param name="IdShift">Bits of the x2APIC id that this level and those inside of it take.</param>
/// <param name="LogicalProcessors">How many logical processors one unit of the next level out holds.</param>
/// <param name="X2ApicId">Of the logical processor that was asked.</param>
/// <remarks>Source: Intel SDM vol. 2A, "CPUID", leaves 0BH and 1FH; AMD APM vol. 3, E.4.24 (80000026H).</remarks>
public sealed record CpuidTopologyLevel(uint Leaf, string Kind, int IdShift, int LogicalProcessors, uint X2ApicId)
{
    /// <summary>The levels of the leaf that lists most of them; of those that list as many, 1FH before 80000026H before
    /// 0BH.</summary>
    public static ImmutableArray<CpuidTopologyLevel> Of(CpuidTable table)
    {
        ArgumentNullException.ThrowIfNull(table);
        uint[] leaves = [0x1F, 0x8000_0026, 0xB];
        return leaves.Select(leaf => Levels(table, leaf).ToImmutableArray()).MaxBy(levels => levels.Length);
    }

    private static IEnumerable<CpuidTopologyLevel> Levels(CpuidTable table, uint leaf)
    {
        for (uint subleaf = 0; subleaf < CpuidEnumeration.SubleavesMax; subleaf++)
        {
            CpuidRegisters level = table.Find(leaf, subleaf)?.Registers ?? default;
            if ((level.Ecx & 0xFF00) == 0)
            {
                yield break;
            }

            yield return new CpuidTopologyLevel(
                leaf,
                CpuidFields.Named(leaf, subleaf, "level_type").TextOf(level.Ecx),
                (int)(level.Eax & 0x1F),
                (int)(level.Ebx & 0xFFFF),
                level.Edx);
        }
    }
}
