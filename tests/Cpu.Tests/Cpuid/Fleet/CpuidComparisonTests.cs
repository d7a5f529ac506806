// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Cpuid.Fleet;
using Xunit;

namespace KvmActors.Cpu.Tests.Cpuid.Fleet;

/// <summary>Every rule by which two tables are compared.</summary>
public sealed class CpuidComparisonTests
{
    private static readonly CpuidTable s_xeon = SampleTables.Xeon;

    private static CpuidComparison Compare(uint leaf, uint subleaf, Func<CpuidEntry, CpuidEntry> change) =>
        CpuidComparison.Of(s_xeon.With(leaf, subleaf, change), s_xeon);

    private static void AssertOnlyNoted(CpuidRule rule, CpuidComparison comparison)
    {
        Assert.Equal(CpuidRelation.Identical, comparison.Relation);
        Assert.Empty(comparison.Differences);
        Assert.All(comparison.Notes, note => Assert.Equal((rule, false), (note.Rule, note.Decides)));
        Assert.NotEmpty(comparison.Notes);
    }

    [Fact]
    public void A_table_is_identical_to_itself()
    {
        var comparison = CpuidComparison.Of(s_xeon, s_xeon);

        Assert.Equal(CpuidRelation.Identical, comparison.Relation);
        Assert.Empty(comparison.Notes);
    }

    [Fact]
    public void One_bit_less_is_a_subset_and_read_backwards_a_superset()
    {
        CpuidTable less = s_xeon.With(7, 0, entry => entry with { Ebx = entry.Ebx & ~(1u << 5) });

        var comparison = CpuidComparison.Of(less, s_xeon);

        Assert.Equal(CpuidRelation.Subset, comparison.Relation);
        Assert.Equal(
            new CpuidDifference(
                7, 0, CpuidRegister.Ebx, 5, "avx2", 0, 1, CpuidDirection.OnlyB, CpuidRule.Features),
            Assert.Single(comparison.Differences));
        Assert.Equal(CpuidRelation.Superset, CpuidComparison.Of(s_xeon, less).Relation);
    }

    [Fact]
    public void One_bit_more_and_one_less_is_incompatible()
    {
        CpuidComparison comparison = Compare(
            7, 0, entry => entry with { Ecx = entry.Ecx ^ 4, Edx = entry.Edx ^ (1u << 10) });

        Assert.Equal(CpuidRelation.Incompatible, comparison.Relation);
        Assert.Equal(["umip", "md_clear"], comparison.Differences.Select(found => found.Name));
    }

    [Fact]
    public void A_bit_without_a_name_counts_and_is_named_as_the_manuals_do()
    {
        CpuidDifference found = Assert.Single(Compare(7, 0, entry => entry with { Edx = entry.Edx | 1 }).Differences);

        Assert.Equal("CPUID.(EAX=0x7,ECX=0):EDX[0]", found.Place);
    }

    [Theory]
    [InlineData(6)]
    [InlineData(13)]
    public void The_two_inverted_bits_count_the_other_way_round(int bit)
    {
        CpuidComparison comparison = Compare(7, 0, entry => entry with { Ebx = entry.Ebx & ~(1u << bit) });

        Assert.Equal(CpuidRelation.Superset, comparison.Relation);
        Assert.Equal((0u, 1u), (comparison.Differences[0].A, comparison.Differences[0].B));
    }

    [Fact]
    public void Bits_that_the_vcpus_state_owns_are_ignored()
    {
        CpuidTable other = s_xeon
            .With(1, 0, entry => entry with { Ecx = entry.Ecx ^ (1u << 27), Edx = entry.Edx ^ (1u << 9) })
            .With(7, 0, entry => entry with { Ecx = entry.Ecx ^ (1u << 4) })
            .With(0xD, 0, entry => entry with { Ebx = entry.Ebx + 64 })
            .With(0xD, 1, entry => entry with { Ebx = entry.Ebx + 64 });

        var comparison = CpuidComparison.Of(other, s_xeon);

        Assert.Equal(CpuidRelation.Identical, comparison.Relation);
        Assert.Empty(comparison.Notes);
    }

    // As bit masks 46 and 45 would each have a bit that the other lacks.
    [Fact]
    public void Address_widths_are_compared_as_numbers()
    {
        CpuidComparison comparison = Compare(0x8000_0008, 0, entry => entry with { Eax = (48 << 8) | 45 });

        Assert.Equal(CpuidRelation.Subset, comparison.Relation);
        Assert.Equal(
            [("physical address bits", 45u, 46u), ("guest physical address bits", 45u, 46u)],
            comparison.Differences.Select(found => (found.Name, found.A, found.B)));
    }

    [Fact]
    public void Counters_are_compared_as_numbers()
    {
        CpuidComparison comparison = Compare(0xA, 0, entry => entry with { Eax = entry.Eax + 0x400 });

        Assert.Equal(CpuidRelation.Superset, comparison.Relation);
        Assert.Equal("performance counters", Assert.Single(comparison.Differences).Name);
    }

    [Fact]
    public void A_component_of_XSAVE_that_one_lacks_is_told_once()
    {
        CpuidDifference found = Assert.Single(
            Compare(0xD, 0, entry => entry with { Eax = entry.Eax & ~(1u << 9) }).Differences);

        Assert.Equal("XSAVE component 9 (PKRU)", found.Name);
        Assert.Equal(CpuidDirection.OnlyB, found.Direction);
    }

    [Fact]
    public void A_component_that_lies_elsewhere_or_has_another_size_is_incompatible()
    {
        CpuidComparison elsewhere = Compare(0xD, 9, entry => entry with { Ebx = entry.Ebx + 64 });
        CpuidComparison larger = Compare(0xD, 9, entry => entry with { Eax = entry.Eax + 8 });

        Assert.Equal(CpuidRelation.Incompatible, elsewhere.Relation);
        Assert.Equal("XSAVE offset of component 9", Assert.Single(elsewhere.Differences).Name);
        Assert.Equal(CpuidRelation.Incompatible, larger.Relation);
        Assert.Equal("XSAVE bytes of component 9", Assert.Single(larger.Differences).Name);
    }

    [Fact]
    public void Vendor_family_model_and_name_are_noted_and_do_not_decide()
    {
        AssertOnlyNoted(CpuidRule.Identity, Compare(0, 0, entry => entry with { Ebx = 1 }));
        AssertOnlyNoted(CpuidRule.Identity, Compare(1, 0, entry => entry with { Eax = 1 }));
        AssertOnlyNoted(CpuidRule.Identity, Compare(0x8000_0003, 0, entry => entry with { Edx = 1 }));
    }

    [Fact]
    public void Topology_caches_limits_and_frequencies_are_noted_and_do_not_decide()
    {
        AssertOnlyNoted(CpuidRule.Topology, Compare(1, 0, entry => entry with { Ebx = 1 }));
        AssertOnlyNoted(CpuidRule.Topology, Compare(0xB, 1, entry => entry with { Ebx = 77, Edx = 9 }));
        AssertOnlyNoted(CpuidRule.Caches, Compare(4, 1, entry => entry with { Ecx = 4095 }));
        AssertOnlyNoted(CpuidRule.Caches, Compare(2, 0, entry => entry with { Edx = 1 }));
        AssertOnlyNoted(CpuidRule.Limits, Compare(0, 0, entry => entry with { Eax = 0xD }));
        AssertOnlyNoted(CpuidRule.Platform, Compare(0x16, 0, entry => entry with { Eax = 9000 }));
    }

    [Fact]
    public void The_hypervisors_own_bit_is_noted_and_does_not_decide() =>
        AssertOnlyNoted(CpuidRule.Hypervisor, new CpuidComparison(
            CpuidRelation.Identical,
            Compare(1, 0, entry => entry with { Ecx = entry.Ecx | (1u << 31) }).Differences,
            Compare(1, 0, entry => entry with { Ecx = entry.Ecx | (1u << 31) }).Notes));

    [Fact]
    public void Paravirtual_features_decide_where_both_have_the_same_hypervisor()
    {
        CpuidTable Kvm(uint features, uint signature = 0x4B4D_564B) => s_xeon
            .And(0x4000_0000, 0x4000_0001, signature, 0x564B_4D56, 0x4D)
            .And(0x4000_0001, features);

        Assert.Equal(CpuidRelation.Superset, CpuidComparison.Of(Kvm(3), Kvm(2)).Relation);
        AssertOnlyNoted(CpuidRule.Hypervisor, CpuidComparison.Of(Kvm(3), s_xeon));
        AssertOnlyNoted(CpuidRule.Hypervisor, CpuidComparison.Of(Kvm(3), Kvm(2, signature: 1)));
    }

    [Fact]
    public void A_leaf_that_nobody_knows_is_the_same_or_contradicts()
    {
        Assert.Equal(
            CpuidRelation.Superset, CpuidComparison.Of(s_xeon.And(0x2345, 1), s_xeon).Relation);
        Assert.Equal(
            CpuidRelation.Incompatible, CpuidComparison.Of(s_xeon.And(0x2345, 1), s_xeon.And(0x2345, 3)).Relation);
    }
}
