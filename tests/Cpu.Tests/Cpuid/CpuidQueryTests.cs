// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Cpuid.Names;
using Xunit;

namespace KvmActors.Cpu.Tests.Cpuid;

/// <summary>The lookup of KVM as of Linux v6.19, rule by rule.</summary>
public sealed class CpuidQueryTests
{
    private static readonly CpuidRuntime s_reset = new(Cr4: 0, Xcr0: 1, Xss: 0, ApicBase: 0, MiscEnable: 0);

    // Leaf 0 as the makers spell their names: EBX, EDX, ECX.
    private static CpuidEntry Intel(uint maxLeaf) => Plain(0, maxLeaf, 0x756E6547, 0x6C65746E, 0x49656E69);

    private static CpuidEntry Amd(uint maxLeaf) => Plain(0, maxLeaf, 0x68747541, 0x444D4163, 0x69746E65);

    private static CpuidEntry Plain(uint leaf, uint eax, uint ebx = 0, uint ecx = 0, uint edx = 0) =>
        new(leaf, 0, CpuidEntryFlags.None, eax, ebx, ecx, edx);

    private static CpuidEntry Indexed(uint leaf, uint subleaf, uint eax, uint ebx = 0, uint ecx = 0, uint edx = 0) =>
        new(leaf, subleaf, CpuidEntryFlags.SignificantIndex, eax, ebx, ecx, edx);

    [Fact]
    public void An_empty_table_answers_zeros()
    {
        Assert.Equal(default, CpuidTable.Empty.Query(0, 0, s_reset));
        Assert.Equal(default, CpuidTable.Empty.Query(0xB, 3, s_reset));
    }

    [Fact]
    public void The_first_matching_entry_in_table_order_wins()
    {
        var table = CpuidTable.Of([
            Intel(4), Indexed(4, 1, 11), Plain(4, 12), Indexed(4, 0, 13), Indexed(4, 1, 14), Plain(2, 1), Plain(2, 2)]);

        Assert.Equal(11u, table.Query(4, 1, s_reset).Eax);
        Assert.Equal(12u, table.Query(4, 0, s_reset).Eax);
        Assert.Equal(12u, table.Query(4, 77, s_reset).Eax);
        Assert.Equal(1u, table.Query(2, 5, s_reset).Eax);
    }

    [Fact]
    public void Intel_answers_a_leaf_out_of_range_with_its_highest_basic_leaf_and_the_requested_subleaf()
    {
        var table = CpuidTable.Of([
            Intel(7), Indexed(7, 0, 70), Indexed(7, 1, 71), Plain(0x8000_0000, 0x8000_0001),
            Plain(0x4000_0000, 0x4000_0001)]);

        Assert.Equal(70u, table.Query(8, 0, s_reset).Eax);
        Assert.Equal(71u, table.Query(0x8000_0002, 1, s_reset).Eax);
        Assert.Equal(70u, table.Query(0x4000_0002, 0, s_reset).Eax);
        Assert.Equal(70u, table.Query(0x4000_0100, 0, s_reset).Eax);
        Assert.Equal(70u, table.Query(0xC000_0001, 0, s_reset).Eax);
        Assert.Equal(default, table.Query(8, 2, s_reset));
    }

    [Fact]
    public void A_hole_inside_the_range_of_its_class_answers_zeros()
    {
        var table = CpuidTable.Of([
            Intel(7), Indexed(7, 0, 70), Plain(0x8000_0000, 0x8000_0008), Plain(0x4000_0000, 0x4000_0001)]);

        Assert.Equal(default, table.Query(5, 0, s_reset));
        Assert.Equal(default, table.Query(0x8000_0004, 0, s_reset));
        Assert.Equal(default, table.Query(0x4000_0001, 0, s_reset));
    }

    [Fact]
    public void Amd_answers_a_leaf_out_of_range_with_zeros()
    {
        var table = CpuidTable.Of([Amd(1), Plain(1, 42)]);

        Assert.Equal("AuthenticAMD", table.Vendor);
        Assert.Equal(42u, table.Query(1, 0, s_reset).Eax);
        Assert.Equal(default, table.Query(2, 0, s_reset));
    }

    [Theory]
    [InlineData(0xBu)]
    [InlineData(0x1Fu)]
    public void A_topology_level_that_does_not_exist_returns_its_number_and_the_x2apic_id(uint leaf)
    {
        var table = CpuidTable.Of([Intel(0x1F), Indexed(leaf, 0, 1, 1, 0x100, 9), Indexed(leaf, 1, 4, 8, 0x201, 9)]);

        Assert.Equal(new CpuidRegisters(0, 0, 0x05, 9), table.Query(leaf, 0xABCD_EF05, s_reset));
        Assert.Equal(default, table.Query(leaf == 0xB ? 0x1Fu : 0xBu, 5, s_reset));
    }

    [Fact]
    public void A_redirected_leaf_0xB_also_returns_the_x2apic_id()
    {
        var table = CpuidTable.Of([Intel(0xB), Indexed(0xB, 0, 1, 1, 0x100, 9), Indexed(0xB, 1, 4, 8, 0x201, 9)]);

        Assert.Equal(new CpuidRegisters(0, 0, 7, 9), table.Query(0x20, 7, s_reset));
    }

    [Fact]
    public void The_vcpu_state_owns_OSXSAVE_APIC_and_OSPKE_whatever_the_table_says()
    {
        var table = CpuidTable.Of([Intel(7), Plain(1, 0, 0, ecx: 1u << 27, edx: 0), Indexed(7, 0, 0, 0, ecx: 1u << 4)]);

        CpuidRegisters cleared = table.Query(1, 0, s_reset);
        CpuidRuntime running = s_reset with { Cr4 = 1ul << 18 | 1ul << 22, ApicBase = 1ul << 11 };
        CpuidRegisters set = table.Query(1, 0, running);

        Assert.Equal((0u, 0u), (cleared.Ecx, cleared.Edx));
        Assert.Equal((1u << 27, 1u << 9), (set.Ecx, set.Edx));
        Assert.Equal(0u, table.Query(7, 0, s_reset).Ecx);
        Assert.Equal(1u << 4, table.Query(7, 0, running).Ecx);
    }

    // The sizes that a running KVM reports on a server with AVX-512: reference values, not computed here.
    [Theory]
    [InlineData(0x1ul, 0x240u)]
    [InlineData(0x3ul, 0x240u)]
    [InlineData(0x7ul, 0x340u)]
    [InlineData(0xE7ul, 0xA80u)]
    public void The_XSAVE_size_follows_XCR0(ulong xcr0, uint bytes)
    {
        var table = CpuidTable.Of([
            Intel(0xD), Indexed(0xD, 0, 0xE7, 1, 0xA80), Indexed(0xD, 1, 0xF), Indexed(0xD, 2, 0x100, 0x240),
            Indexed(0xD, 5, 0x40, 0x440), Indexed(0xD, 6, 0x200, 0x480), Indexed(0xD, 7, 0x400, 0x680)]);

        Assert.Equal(bytes, table.Query(0xD, 0, s_reset with { Xcr0 = xcr0 }).Ebx);
    }

    [Fact]
    public void The_compacted_XSAVE_size_appends_components_and_aligns_those_that_ask_for_it()
    {
        var table = CpuidTable.Of([
            Intel(0xD), Indexed(0xD, 1, 0xF), Indexed(0xD, 2, 0x100, 0x240), Indexed(0xD, 9, 8, 0xA80),
            Indexed(0xD, 11, 0x10, 0, ecx: 1), Indexed(0xD, 17, 0x40, 0xAC0, ecx: 2)]);

        CpuidRuntime runtime = s_reset with { Xcr0 = 0x2_0207, Xss = 1ul << 11 };

        // 0x240 + 0x100 (AVX) + 8 (PKRU) + 0x10 (CET_U, supervisor), then 64-byte alignment, then 0x40.
        Assert.Equal(0x3C0u, table.Query(0xD, 1, runtime).Ebx);
    }

    [Fact]
    public void Tables_are_equal_when_their_entries_are_equal_in_the_same_order()
    {
        var one = CpuidTable.Of([Intel(1), Plain(1, 1)]);

        Assert.Equal(one, CpuidTable.Of([Intel(1), Plain(1, 1)]));
        Assert.Equal(one.GetHashCode(), CpuidTable.Of([Intel(1), Plain(1, 1)]).GetHashCode());
        Assert.NotEqual(one, CpuidTable.Of([Plain(1, 1), Intel(1)]));
    }

    [Fact]
    public void A_table_of_more_than_256_entries_is_refused()
    {
        Assert.Throws<ArgumentException>(() => CpuidTable.Of(Enumerable.Repeat(Plain(1, 1), 257)));
    }

    [Fact]
    public void The_text_table_names_every_feature_once_and_each_bit_once()
    {
        Assert.True(CpuidFeatures.All.Length > 250);
        Assert.Equal(CpuidFeatures.All.Length, CpuidFeatures.All.Select(named => named.Name).Distinct().Count());
        Assert.Equal(CpuidFeatures.All.Length, CpuidFeatures.All.Select(named => named.Feature).Distinct().Count());
        Assert.Equal(new CpuidFeature(7, 0, CpuidRegister.Ebx, 5), CpuidFeatures.Named("avx2"));
        Assert.Equal("nx", CpuidFeatures.NameOf(new CpuidFeature(0x8000_0001, 0, CpuidRegister.Edx, 20)));
    }
}
