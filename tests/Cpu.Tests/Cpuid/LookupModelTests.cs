// SPDX-License-Identifier: Apache-2.0

using System.Globalization;
using System.Text;
using KvmActors.Cpu.Cpuid;
using Xunit;
using Xunit.Abstractions;

namespace KvmActors.Cpu.Tests.Cpuid;

/// <summary>The look-up against a second one that was written from the rules alone, without any index: tables by
/// chance, with duplicates, holes, both makers and every class.</summary>
public sealed class LookupModelTests(ITestOutputHelper output)
{
    private const int Tables = 3_000;
    private const int QueriesPerTable = 60;

    private static readonly uint[] s_bases = [0, 0x4000_0000, 0x4000_0100, 0x8000_0000, 0xC000_0000, 0x2000_0000];
    private static readonly string[] s_makers =
        ["GenuineIntel", "AuthenticAMD", "HygonGenuine", "AMDisbetter!", "CentaurHauls", "whatever one"];

    [Fact]
    public void Any_table_answers_any_question_as_the_rules_say()
    {
        int seed = Environment.GetEnvironmentVariable("KVMACTORS_TEST_SEED") is { Length: > 0 } given
            ? int.Parse(given, CultureInfo.InvariantCulture)
            : Random.Shared.Next();
        output.WriteLine($"KVMACTORS_TEST_SEED={seed}");
        Random random = new(seed);
        int hits = 0;
        for (int number = 0; number < Tables; number++)
        {
            CpuidEntry[] entries = Entries(random);
            var table = CpuidTable.Of(entries);
            for (int query = 0; query < QueriesPerTable; query++)
            {
                uint leaf = Leaf(random);
                uint subleaf = random.Next(8) == 0 ? (uint)random.Next() : (uint)random.Next(4);
                CpuidRegisters expected = Model(entries, leaf, subleaf);

                Assert.True(
                    expected == table.Query(leaf, subleaf, default),
                    $"seed {seed}, table {number}, leaf {leaf:x}.{subleaf:x}");
                hits += expected == default ? 0 : 1;
            }
        }

        // Questions that mostly miss would prove little.
        Assert.InRange(hits, Tables * QueriesPerTable / 10, Tables * QueriesPerTable * 9 / 10);
    }

    /// <summary>The five steps, as they are written down, over the plain list.</summary>
    private static CpuidRegisters Model(CpuidEntry[] entries, uint leaf, uint subleaf)
    {
        CpuidRegisters? First(uint function) => entries
            .Where(entry => entry.Leaf == function)
            .Where(entry => ((uint)entry.Flags & 1) == 0 || entry.Subleaf == subleaf)
            .Select(entry => (CpuidRegisters?)entry.Registers).FirstOrDefault();

        if (First(leaf) is { } exact)
        {
            return exact;
        }

        CpuidEntry[] basics = [.. entries.Where(entry => entry.Leaf == 0).Take(1)];
        uint redirected = leaf;
        if (basics is [var basic] && Maker(basic) is not ("AuthenticAMD" or "HygonGenuine" or "AMDisbetter!"))
        {
            uint classBase = leaf switch
            {
                >= 0x4000_0000 and < 0x5000_0000 => leaf / 256 * 256,
                >= 0xC000_0000 => 0xC000_0000,
                >= 0x8000_0000 => 0x8000_0000,
                _ => 0,
            };
            CpuidEntry[] heads = [.. entries.Where(entry => entry.Leaf == classBase).Take(1)];
            bool isInRange = heads is [var head] && leaf <= head.Eax;
            if (!isInRange)
            {
                redirected = basic.Eax;
                if (First(redirected) is { } last)
                {
                    return last;
                }
            }
        }

        bool isTopology = redirected is 0xB or 0x1F;
        CpuidEntry[] level = [.. entries.Where(entry => entry.Leaf == redirected
            && (((uint)entry.Flags & 1) == 0 || entry.Subleaf == 1)).Take(1)];
        return isTopology && level is [var one] ? new CpuidRegisters(0, 0, subleaf & 0xFF, one.Edx) : default;
    }

    private static string Maker(CpuidEntry basic) => string.Concat(
        new[] { basic.Ebx, basic.Edx, basic.Ecx }.Select(part =>
            Encoding.ASCII.GetString(BitConverter.GetBytes(part))));

    private static CpuidEntry[] Entries(Random random)
    {
        List<CpuidEntry> entries = [];
        if (random.Next(10) != 0)
        {
            byte[] maker = Encoding.ASCII.GetBytes(s_makers[random.Next(s_makers.Length)]);
            entries.Add(new CpuidEntry(
                0,
                0,
                CpuidEntryFlags.None,
                (uint)random.Next(0x22),
                BitConverter.ToUInt32(maker, 0),
                BitConverter.ToUInt32(maker, 8),
                BitConverter.ToUInt32(maker, 4)));
        }

        for (int count = random.Next(CpuidTable.EntriesMax); count > 0; count--)
        {
            uint leaf = Leaf(random);
            uint last = random.Next(3) == 0 ? (leaf & 0xFFFF_FF00) + (uint)random.Next(0x30) : (uint)random.Next();

            // No bit that follows the vCPU's state is asked for here: those leaves have tests of their own.
            entries.Add(new CpuidEntry(
                leaf, (uint)random.Next(4), (CpuidEntryFlags)random.Next(8), last, 1, (uint)random.Next(), 9));
        }

        random.Shuffle(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(entries));
        return [.. entries.Where(entry => entry.Leaf is not (1 or 7 or 0xD))];
    }

    private static uint Leaf(Random random) =>
        s_bases[random.Next(s_bases.Length)] + (uint)random.Next(random.Next(4) == 0 ? 0x200 : 0x24);
}
