// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Cpuid;

namespace KvmActors.Cpu.Tests.Cpuid.Fleet;

/// <summary>Tables with one thing changed, and tables by chance.</summary>
internal static class FleetTables
{
    /// <summary>The table with one entry changed.</summary>
    public static CpuidTable With(
        this CpuidTable table, uint leaf, uint subleaf, Func<CpuidEntry, CpuidEntry> change) =>
        CpuidTable.Of(table.Entries.Select(entry =>
            entry.Leaf == leaf && entry.Subleaf == subleaf ? change(entry) : entry));

    /// <summary>The table with one entry more.</summary>
    public static CpuidTable And(
        this CpuidTable table, uint leaf, uint eax, uint ebx = 0, uint ecx = 0, uint edx = 0) =>
        CpuidTable.Of(table.Entries.Add(new CpuidEntry(leaf, 0, CpuidEntryFlags.None, eax, ebx, ecx, edx)));

    /// <summary>A real server's table in which about every third register lost or changed some bits, some leaves are
    /// missing, unknown ones came, and components of XSAVE lie elsewhere.</summary>
    public static CpuidTable ByChance(Random random)
    {
        CpuidTable start = random.Next(2) == 0 ? SampleTables.Xeon : SampleTables.Epyc;
        List<CpuidEntry> entries = [];
        foreach (CpuidEntry entry in start.Entries)
        {
            if (entry.Leaf is not (0 or 0x8000_0000) && random.Next(20) == 0)
            {
                continue;
            }

            entries.Add(random.Next(3) == 0 ? Changed(entry, random) : entry);
        }

        if (random.Next(3) == 0)
        {
            entries.Add(new CpuidEntry(0x21, 0, CpuidEntryFlags.None, (uint)random.Next(3), 1, 0, 0));
        }

        if (random.Next(3) == 0)
        {
            uint features = (uint)random.Next();
            entries.Add(new CpuidEntry(
                0x4000_0000, 0, CpuidEntryFlags.None, 0x4000_0001, 0x4B4D_564B, 0x564B_4D56, (uint)random.Next(2)));
            entries.Add(new CpuidEntry(0x4000_0001, 0, CpuidEntryFlags.None, features, 0, 0, 0));
        }

        return CpuidTable.Of(entries);
    }

    private static CpuidEntry Changed(CpuidEntry entry, Random random)
    {
        if (entry.Leaf is 0 or 0x8000_0000)
        {
            return random.Next(3) == 0 ? entry with { Eax = entry.Eax - (uint)random.Next(12) } : entry;
        }

        uint One(uint value) => random.Next(4) switch
        {
            0 => value & (uint)random.NextInt64(),
            1 => value ^ (1u << random.Next(32)),
            2 => value | (1u << random.Next(32)),
            _ => value,
        };
        return entry with { Eax = One(entry.Eax), Ebx = One(entry.Ebx), Ecx = One(entry.Ecx), Edx = One(entry.Edx) };
    }
}
