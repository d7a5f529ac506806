// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Cpuid.Names;
using Xunit;

namespace KvmActors.Cpu.Tests.Cpuid;

/// <summary>A table in words: nothing lost, and what is known of two real CPUs.</summary>
public sealed class CpuidDecoderTests
{
    private const int Seed = 20_251_122;

    [Fact]
    public void Fields_features_and_unknown_bits_make_up_the_register_again()
    {
        Random random = new(Seed);
        uint[] leaves = [.. CpuidLeaves.All.Select(leaf => leaf.Leaf), 0x22, 0x4000_0100, 0x8000_0030];
        for (int i = 0; i < 200_000; i++)
        {
            uint leaf = leaves[random.Next(leaves.Length)];
            uint subleaf = (uint)random.Next(6);
            var register = (CpuidRegister)random.Next(4);
            uint value = (uint)random.NextInt64(1L << 32);

            CpuidDecodedRegister decoded = CpuidDecoder.Decode(leaf, subleaf, register, value);

            Assert.True(value == Encode(decoded), $"seed {Seed}: leaf 0x{leaf:x}.{subleaf} {register} 0x{value:x8}");
        }
    }

    [Fact]
    public void Every_entry_of_a_table_is_decoded_to_its_last_bit()
    {
        foreach (CpuidTable table in (CpuidTable[])[SampleTables.Epyc, SampleTables.Xeon])
        {
            CpuidDecoding decoding = CpuidDecoder.Decode(table);

            Assert.Equal(table.Entries.Length, decoding.Leaves.Length);
            foreach ((CpuidEntry entry, CpuidDecodedLeaf leaf) in table.Entries.Zip(decoding.Leaves))
            {
                Assert.Equal((entry.Leaf, entry.Subleaf), (leaf.Leaf, leaf.Subleaf));
                uint[] values = [.. leaf.Registers.Select(Encode)];
                Assert.Equal(entry.Registers, new CpuidRegisters(values[0], values[1], values[2], values[3]));
            }
        }
    }

    [Fact]
    public void The_EPYC_decodes_to_what_its_data_sheet_says()
    {
        CpuidSummary summary = CpuidDecoder.Decode(SampleTables.Epyc).Summary;

        Assert.Equal("AuthenticAMD", summary.Maker);
        Assert.Equal("AMD EPYC 9334 32-Core Processor", summary.Brand);
        Assert.Equal((25, 17, 1), (summary.Family, summary.Model, summary.Stepping));
        Assert.Equal((52, 57), (summary.PhysicalBits, summary.LinearBits));
        Assert.Equal(
            ["L1 data 32", "L1 instruction 32", "L2 unified 1024", "L3 unified 32768"],
            summary.Caches.Select(cache => $"L{cache.Level} {cache.Kind} {cache.SizeBytes / 1024}"));
        Assert.Equal(
            ["thread 2", "core 64"], summary.Levels.Select(level => $"{level.Kind} {level.LogicalProcessors}"));
        Assert.Equal("", summary.Hypervisor);
    }

    [Fact]
    public void The_Xeon_decodes_to_what_its_data_sheet_says()
    {
        CpuidSummary summary = CpuidDecoder.Decode(SampleTables.Xeon).Summary;

        Assert.Equal("GenuineIntel", summary.Maker);
        Assert.Contains("Platinum 9242", summary.Brand, StringComparison.Ordinal);
        Assert.Equal((6, 85, 7), (summary.Family, summary.Model, summary.Stepping));
        Assert.Equal((46, 48), (summary.PhysicalBits, summary.LinearBits));
        Assert.Equal(
            ["L1 data 32", "L1 instruction 32", "L2 unified 1024", "L3 unified 36608"],
            summary.Caches.Select(cache => $"L{cache.Level} {cache.Kind} {cache.SizeBytes / 1024}"));
        Assert.Equal([8, 8, 16, 11], summary.Caches.Select(cache => cache.Ways));
        Assert.All(summary.Caches, cache => Assert.Equal(64, cache.LineBytes));
    }

    [Fact]
    public void Components_of_XSAVE_have_names_places_and_sizes()
    {
        CpuidXsaveArea layout = CpuidDecoder.Decode(SampleTables.Epyc).Summary.Xsave!;

        Assert.Equal((0x2E7ul, 0x1800ul, 2440u), (layout.Xcr0, layout.Xss, layout.BytesMax));
        Assert.Equal(
            ["x87", "sse", "avx", "opmask", "zmm_hi256", "hi16_zmm", "pkru", "cet_u", "cet_s"],
            layout.Components.Select(component => component.Name));
        Assert.Equal(new CpuidXsaveComponent(9, "pkru", 8, 2432, false, false), layout.Components[6]);
        Assert.True(layout.Components[7].IsSupervisor);
    }

    [Fact]
    public void A_table_without_leaf_4_tells_its_caches_by_the_old_leaves()
    {
        var old = CpuidTable.Of(SampleTables.Epyc.Entries.Where(entry => entry.Leaf is not (4 or 0x8000_001D)));

        Assert.Equal(
            ["L1 data 32 8", "L1 instruction 32 8", "L2 unified 1024 8", "L3 unified 131072 0"],
            CpuidDecoder.Decode(old).Summary.Caches
                .Select(cache => $"L{cache.Level} {cache.Kind} {cache.SizeBytes / 1024} {cache.Ways}"));
    }

    [Fact]
    public void The_bits_of_a_hypervisor_that_is_not_KVM_stay_unknown()
    {
        CpuidEntry entry = new(0x4000_0001, 0, CpuidEntryFlags.None, 0x8B, 0, 0, 0);

        Assert.Equal(0x8Bu, CpuidDecoder.Decode(entry, true, "Microsoft Hv").Registers[0].Unknown);
        Assert.Equal(0u, CpuidDecoder.Decode(entry, true, "KVMKVMKVM").Registers[0].Unknown);
    }

    [Fact]
    public void An_entry_that_the_guest_never_finds_is_shown_and_marked()
    {
        CpuidEntry entry = SampleTables.Epyc.Find(7, 0)!.Value;
        var table = CpuidTable.Of([entry, entry with { Ebx = 0 }]);
        CpuidDecoding decoding = CpuidDecoder.Decode(table);

        Assert.Equal([true, false], decoding.Leaves.Select(leaf => leaf.IsFound));
    }

    [Fact]
    public void An_empty_table_decodes_to_nothing()
    {
        CpuidDecoding decoding = CpuidDecoder.Decode(CpuidTable.Empty);

        Assert.Empty(decoding.Leaves);
        Assert.Equal("", decoding.Summary.Maker);
        Assert.Null(decoding.Summary.MaxBasicLeaf);
        Assert.Null(decoding.Summary.Xsave);
    }

    private static uint Encode(CpuidDecodedRegister decoded)
    {
        uint value = decoded.Unknown;
        foreach (CpuidDecodedField field in decoded.Fields)
        {
            Assert.Equal(0u, value & field.Field.Mask);
            value |= field.Raw << field.Field.Low;
        }

        foreach (CpuidFeatureName name in decoded.Features)
        {
            Assert.Equal(0u, value & (1u << name.Feature.Bit));
            value |= 1u << name.Feature.Bit;
        }

        return value;
    }
}
