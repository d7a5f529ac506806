// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;

namespace KvmActors.Cpu.Cpuid.Names;

/// <summary>One cache.</summary>
/// <param name="Leaf">The leaf that tells of it.</param>
/// <param name="Kind">data, instruction or unified.</param>
/// <param name="Ways">0 if it is fully associative.</param>
/// <param name="LineBytes">Bytes of a line.</param>
/// <param name="SharedByIds">Ids set aside for the logical processors that share it; 0 if the table does not
/// say.</param>
/// <remarks>Source: Intel SDM vol. 2A, "CPUID", leaf 04H; AMD APM vol. 3, E.4.4, E.4.5 and E.4.15.</remarks>
public sealed record CpuidCache(
    uint Leaf, int Level, string Kind, long SizeBytes, int Ways, int LineBytes, long Sets, int SharedByIds)
{
    // Associativities of leaf 80000006H by their code; 15 is full.
    private static readonly int[] s_ways = [0, 1, 2, 3, 4, 6, 8, 0, 16, 0, 32, 48, 64, 96, 128, 0];

    /// <summary>The caches of leaf 4 or of 8000001DH; where neither lists one, those of 80000005H and
    /// 80000006H.</summary>
    public static ImmutableArray<CpuidCache> Of(CpuidTable table)
    {
        ArgumentNullException.ThrowIfNull(table);
        CpuidCache[] listed = [.. Listed(table, 4)];
        listed = listed.Length > 0 ? listed : [.. Listed(table, 0x8000_001D)];
        return listed.Length > 0 ? [.. listed] : [.. Old(table)];
    }

    private static IEnumerable<CpuidCache> Listed(CpuidTable table, uint leaf)
    {
        for (uint subleaf = 0; subleaf < CpuidEnumeration.SubleavesMax; subleaf++)
        {
            CpuidRegisters cache = table.Find(leaf, subleaf)?.Registers ?? default;
            if ((cache.Eax & 0x1F) == 0)
            {
                yield break;
            }

            long ways = (cache.Ebx >> 22) + 1;
            long partitions = (cache.Ebx >> 12 & 0x3FF) + 1;
            int line = (int)(cache.Ebx & 0xFFF) + 1;
            long sets = (long)cache.Ecx + 1;
            bool isFull = (cache.Eax >> 9 & 1) != 0;
            yield return new CpuidCache(
                leaf,
                (int)(cache.Eax >> 5 & 7),
                CpuidFields.Named(leaf, subleaf, "cache_type").TextOf(cache.Eax),
                unchecked(ways * partitions * line * sets),
                isFull ? 0 : (int)ways,
                line,
                sets,
                (int)(cache.Eax >> 14 & 0xFFF) + 1);
        }
    }

    private static IEnumerable<CpuidCache> Old(CpuidTable table)
    {
        if (table.Find(0x8000_0005, 0) is { } first)
        {
            (uint, string)[] halves = [(first.Ecx, "data"), (first.Edx, "instruction")];
            foreach ((uint register, string kind) in halves)
            {
                int ways = (int)(register >> 16 & 0xFF);
                CpuidCache cache = Of(
                    0x8000_0005, 1, kind, (register >> 24) * 1024L, ways == 0xFF ? 0 : ways, (int)(register & 0xFF));
                if (cache.SizeBytes > 0)
                {
                    yield return cache;
                }
            }
        }

        if (table.Find(0x8000_0006, 0) is not { } outer)
        {
            yield break;
        }

        if (outer.Ecx >> 16 != 0)
        {
            int ways = s_ways[outer.Ecx >> 12 & 0xF];
            yield return Of(0x8000_0006, 2, "unified", (outer.Ecx >> 16) * 1024L, ways, (int)(outer.Ecx & 0xFF));
        }

        if (outer.Edx >> 18 != 0)
        {
            int ways = s_ways[outer.Edx >> 12 & 0xF];
            yield return Of(0x8000_0006, 3, "unified", (outer.Edx >> 18) * 512L * 1024, ways, (int)(outer.Edx & 0xFF));
        }
    }

    private static CpuidCache Of(uint leaf, int level, string kind, long bytes, int ways, int line) =>
        new(leaf, level, kind, bytes, ways, line, ways * line == 0 ? 0 : bytes / (ways * line), 0);
}
