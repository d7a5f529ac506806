// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Memory;
using KvmActors.Cpu.Tests.Execute;

namespace KvmActors.Cpu.Tests.Robustness;

/// <summary>Makes garbage of some descriptors, gates, task state and page table entries of a test guest.</summary>
internal static class GarbageTables
{
    private const ulong TablePages = 4;

    public static void Spoil(Random random, GuestMemory memory, ulong pageDirectory32)
    {
        Each(random, 6, () => Put(memory, GuestTables.Gdt + Entry(random, 11), Descriptor(random)));
        Each(random, 12, () => Put(memory, GuestTables.Idt + Entry(random, 512), Descriptor(random)));
        Each(random, 4, () => Put(memory, GuestTables.TaskSegment + Entry(random, 13), Word(random)));
        Each(random, 3, () => Put(memory, GuestTables.PageMapLevel4 + Entry(random, 4), PageEntry(random)));
        Each(random, 3, () => Put(
            memory,
            GuestTables.PageMapLevel4 + (random.NextUInt64(TablePages) * GuestMemory.PageBytes) + Entry(random, 8),
            PageEntry(random)));
        Each(random, 40, () => Put(memory, GuestTables.PageTableOfFirst2M + Entry(random, 512), PageEntry(random)));
        Each(random, 6, () => Put(memory, pageDirectory32 + Entry(random, 4), PageEntry(random)));
    }

    /// <summary>Any 64 bits, small ones and those with few bits more often than chance has them.</summary>
    public static ulong Word(Random random) => random.Next(5) switch
    {
        0 => random.NextUInt64(),
        1 => random.NextUInt64(0x20_0000),
        2 => 1ul << random.Next(64),
        3 => ulong.MaxValue << random.Next(64),
        _ => (ulong)(uint)random.NextUInt64(),
    };

    private static void Each(Random random, int countMax, Action put)
    {
        for (int left = random.Next(countMax); left > 0; left--)
        {
            put();
        }
    }

    private static ulong Entry(Random random, ulong count) => random.NextUInt64(count) * 8;

    /// <summary>Present more often than not, with a base inside of RAM.</summary>
    private static ulong Descriptor(Random random)
    {
        if (random.Next(4) == 0)
        {
            return Word(random);
        }

        ulong low = random.NextUInt64(0x1_0000) | (random.NextUInt64(0x1_0000) << 16);
        ulong rights = random.NextUInt64(256) | (random.Next(4) == 0 ? 0ul : 0x80);
        ulong selector = random.NextUInt64(11) * 8;
        ulong middle = random.Next(2) == 0 ? random.NextUInt64(32) : 0;
        ulong entry = low | (middle << 32) | (rights << 40) | (random.NextUInt64(16) << 52);

        // As a gate: its selector is where a descriptor has the low half of its base.
        return random.Next(2) == 0 ? (entry & ~0xFFFF_0000ul) | (selector << 16) : entry;
    }

    private static ulong PageEntry(Random random)
    {
        ulong page = random.Next(6) switch
        {
            0 => random.NextUInt64(),
            1 => GuestTables.PageMapLevel4 + (random.NextUInt64(TablePages) * GuestMemory.PageBytes),
            2 => 0xFEE0_0000,
            3 => random.NextUInt64(1ul << 32),
            _ => random.NextUInt64(512) * GuestMemory.PageBytes,
        };
        ulong rights = random.NextUInt64(0x1000) | (random.Next(5) == 0 ? 0ul : 3);
        rights &= random.Next(4) == 0 ? ulong.MaxValue : ~0x80ul;
        return (page & ~0xFFFul & ~(1ul << 63)) | rights | (random.Next(8) == 0 ? 1ul << 63 : 0);
    }

    private static void Put(GuestMemory memory, ulong address, ulong value) =>
        GuestTables.Write64(memory, address, value);

    private static ulong NextUInt64(this Random random, ulong below = ulong.MaxValue) =>
        (ulong)random.NextInt64(long.MinValue, long.MaxValue) % below;
}
