// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Cpuid.Names;
using Xunit;

namespace KvmActors.Cpu.Tests.Cpuid;

/// <summary>The table of names and the code made from it.</summary>
public sealed class CpuidNamesTests
{
    /// <summary>Features of unlike words of Linux' cpufeatures.h, with the place the manuals give them.</summary>
    public static TheoryData<string, uint, uint, CpuidRegister, int> Known { get; } = new()
    {
        { "fpu", 1, 0, CpuidRegister.Edx, 0 },
        { "sse3", 1, 0, CpuidRegister.Ecx, 0 },
        { "hypervisor", 1, 0, CpuidRegister.Ecx, 31 },
        { "aperfmperf", 6, 0, CpuidRegister.Ecx, 0 },
        { "hfi", 6, 0, CpuidRegister.Eax, 19 },
        { "avx2", 7, 0, CpuidRegister.Ebx, 5 },
        { "la57", 7, 0, CpuidRegister.Ecx, 16 },
        { "arch_capabilities", 7, 0, CpuidRegister.Edx, 29 },
        { "intel_ppin", 7, 1, CpuidRegister.Ebx, 0 },
        { "msr_imm", 7, 1, CpuidRegister.Ecx, 5 },
        { "apx", 7, 1, CpuidRegister.Edx, 21 },
        { "mcdt_no", 7, 2, CpuidRegister.Edx, 5 },
        { "xsaves", 0xD, 1, CpuidRegister.Eax, 3 },
        { "cqm_mbm_local", 0xF, 1, CpuidRegister.Edx, 2 },
        { "mba", 0x10, 0, CpuidRegister.Ebx, 3 },
        { "sgx_edeccssa", 0x12, 0, CpuidRegister.Eax, 11 },
        { "amx_tf32", 0x1E, 1, CpuidRegister.Eax, 6 },
        { "avx10_512", 0x24, 0, CpuidRegister.Ebx, 18 },
        { "kvm_pv_unhalt", 0x4000_0001, 0, CpuidRegister.Eax, 7 },
        { "3dnow", 0x8000_0001, 0, CpuidRegister.Edx, 31 },
        { "mwaitx", 0x8000_0001, 0, CpuidRegister.Ecx, 29 },
        { "fast_cppc", 0x8000_0007, 0, CpuidRegister.Edx, 15 },
        { "amd_rapl", 0x8000_0007, 0, CpuidRegister.Edx, 14 },
        { "virt_ssbd", 0x8000_0008, 0, CpuidRegister.Ebx, 25 },
        { "x2avic_ext", 0x8000_000A, 0, CpuidRegister.Ecx, 6 },
        { "vnmi", 0x8000_000A, 0, CpuidRegister.Edx, 25 },
        { "sev_snp", 0x8000_001F, 0, CpuidRegister.Eax, 4 },
        { "coherency_sfw_no", 0x8000_001F, 0, CpuidRegister.Ebx, 31 },
        { "bmec", 0x8000_0020, 0, CpuidRegister.Ebx, 3 },
        { "srso_no", 0x8000_0021, 0, CpuidRegister.Eax, 29 },
        { "tsa_l1_no", 0x8000_0021, 0, CpuidRegister.Ecx, 2 },
        { "perfmon_v2", 0x8000_0022, 0, CpuidRegister.Eax, 0 },
        { "pmm_en", 0xC000_0001, 0, CpuidRegister.Edx, 13 },
    };

    [Theory]
    [MemberData(nameof(Known))]
    public void A_feature_is_where_the_manuals_put_it(
        string name, uint leaf, uint subleaf, CpuidRegister register, int bit)
    {
        CpuidFeature feature = new(leaf, subleaf, register, bit);

        Assert.Equal(feature, CpuidFeatures.Named(name));
        Assert.Equal(name, CpuidFeatures.NameOf(feature));
    }

    [Theory]
    [InlineData(KvmKnownFeatures.V619, 268)]
    [InlineData(KvmKnownFeatures.Later, 23)]
    public void Every_feature_that_kvm_knows_has_its_name_at_its_place(string known, int count)
    {
        (string Name, CpuidFeature Feature)[] features = [.. KvmKnownFeatures.Read(known)];

        Assert.Equal(count, features.Distinct().Count());
        Assert.Equal(features, features.Select(known => (CpuidFeatures.NameOf(known.Feature) ?? "", known.Feature)));
    }

    [Fact]
    public void Every_feature_is_a_property_too()
    {
        Assert.Equal(CpuidFeatures.Named("avx2"), CpuidFeatures.Avx2);
        Assert.Equal(CpuidFeatures.Named("sse4_1"), CpuidFeatures.Sse4_1);
        Assert.Equal(CpuidFeatures.Named("avx512_4fmaps"), CpuidFeatures.Avx512_4fmaps);
        Assert.Equal(CpuidFeatures.Named("3dnowext"), CpuidFeatures.ThreeDnowext);
        int properties = typeof(CpuidFeatures).GetProperties().Count(p => p.PropertyType == typeof(CpuidFeature));
        Assert.Equal(CpuidFeatures.All.Length, properties);
    }

    [Fact]
    public void No_name_stands_for_two_features_and_no_bit_has_two_names()
    {
        Assert.Equal(CpuidFeatures.All.Length, CpuidFeatures.All.Select(named => named.Name).Distinct().Count());
        Assert.Equal(CpuidFeatures.All.Length, CpuidFeatures.All.Select(named => named.Feature).Distinct().Count());
    }

    [Fact]
    public void No_bit_belongs_to_two_fields_or_to_a_field_and_a_feature()
    {
        foreach ((uint leaf, uint subleaf, CpuidRegister register) in Registers())
        {
            uint taken = 0;
            IEnumerable<uint> masks = CpuidFields.Of(leaf, subleaf, register).Select(field => field.Mask).Concat(
                CpuidFeatures.All.Select(named => named.Feature)
                    .Where(bit => (bit.Leaf, bit.Subleaf, bit.Register) == (leaf, subleaf, register))
                    .Select(bit => 1u << bit.Bit));
            foreach (uint mask in masks)
            {
                Assert.True((taken & mask) == 0, $"leaf 0x{leaf:x}, subleaf {subleaf}, {register}: 0x{mask:x8} twice");
                taken |= mask;
            }
        }
    }

    [Fact]
    public void The_table_is_in_the_order_of_leaf_subleaf_register_and_bit()
    {
        (uint, uint, CpuidRegister, int)[] features =
        [
            .. CpuidFeatures.All.Select(named => named.Feature)
                .Select(bit => (bit.Leaf, bit.Subleaf, bit.Register, bit.Bit)),
        ];
        Assert.Equal(features.Order(), features);
        Assert.Equal(CpuidLeaves.All.Select(leaf => leaf.Leaf).Order(), CpuidLeaves.All.Select(leaf => leaf.Leaf));
    }

    [Fact]
    public void The_table_and_the_walk_agree_on_which_leaves_have_subleaves() => Assert.All(
        CpuidLeaves.All,
        leaf => Assert.Equal((leaf.Leaf, CpuidEnumeration.HasSubleaves(leaf.Leaf)), (leaf.Leaf, leaf.HasSubleaves)));

    [Fact]
    public void A_field_reads_as_a_person_writes_it()
    {
        Assert.Equal("64 bytes", CpuidFields.Named(4, 0, "line").TextOf(63));
        Assert.Equal("unified", CpuidFields.Named(4, 0, "cache_type").TextOf(3));
        Assert.Equal("31", CpuidFields.Named(4, 0, "cache_type").TextOf(0x1F));
        Assert.Equal("48 bits", CpuidFields.Named(0x8000_0008, 0, "linear_bits").TextOf(0x3030));
        Assert.Equal("\"Genu\"", CpuidFields.Named(0, 0, "maker_0_3").TextOf(0x756E_6547));
        Assert.Equal("0x5", CpuidFields.Named(0x8000_0022, 0, "memory_controllers").TextOf(5));
    }

    [Theory]
    [InlineData("vmx", CpuidMaker.Intel)]
    [InlineData("svm", CpuidMaker.Amd)]
    [InlineData("srso_no", CpuidMaker.Amd)]
    [InlineData("rng", CpuidMaker.Centaur)]
    [InlineData("avx2", CpuidMaker.Any)]
    [InlineData("wbnoinvd", CpuidMaker.Any)]
    public void A_feature_of_one_maker_says_so(string name, CpuidMaker maker) =>
        Assert.Equal(maker, CpuidFeatures.Describe(CpuidFeatures.Named(name))!.Maker);

    private static IEnumerable<(uint Leaf, uint Subleaf, CpuidRegister Register)> Registers() =>
        from leaf in CpuidLeaves.All
        from subleaf in leaf.HasSubleaves ? Enumerable.Range(0, 64) : [0]
        from register in Enum.GetValues<CpuidRegister>()
        select (leaf.Leaf, (uint)subleaf, register);
}
