// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Cpuid.Fleet;
using KvmActors.Cpu.Cpuid.Names;
using KvmActors.Cpu.Cpuid.Vetting;
using Xunit;

namespace KvmActors.Cpu.Tests.Cpuid;

/// <summary>Baselines over unlike hosts, and the check before a migration.</summary>
public sealed class CpuidFleetTests
{
    private static readonly CpuidTable s_amd = CpuidVetting.CutToEngine(SampleTables.Epyc);
    private static readonly CpuidTable s_intel = CpuidVetting.CutToEngine(SampleTables.Xeon);

    private static CpuidTable With(CpuidTable table, uint leaf, uint subleaf, Func<CpuidEntry, CpuidEntry> change) =>
        CpuidTable.Of(table.Entries.Select(entry =>
            entry.Leaf == leaf && entry.Subleaf == subleaf ? change(entry) : entry));

    [Fact]
    public void A_baseline_of_one_is_that_one()
    {
        Assert.Same(s_amd, CpuidIntersection.Of(s_amd));
        Assert.Equal(s_amd, CpuidIntersection.Of(s_amd, s_amd));
        Assert.Equal(SampleTables.Xeon, CpuidIntersection.Of(SampleTables.Xeon, SampleTables.Xeon));
    }

    [Fact]
    public void A_baseline_runs_on_every_host_it_was_made_of()
    {
        Assert.Empty(CpuidSuitability.Missing(CpuidIntersection.Of(s_amd, s_intel), s_amd, []));
        Assert.Empty(CpuidSuitability.Missing(CpuidIntersection.Of(s_amd, s_intel), s_intel, []));
        Assert.Empty(CpuidSuitability.Missing(CpuidIntersection.Of(s_intel, s_amd), s_amd, []));

        CpuidTable raw = CpuidIntersection.Of(SampleTables.Xeon, SampleTables.Epyc);
        Assert.Empty(CpuidSuitability.Missing(raw, SampleTables.Xeon, []));
        Assert.Empty(CpuidSuitability.Missing(raw, SampleTables.Epyc, []));
    }

    [Fact]
    public void A_baseline_has_the_first_hosts_identity_and_the_smallest_sizes()
    {
        CpuidTable baseline = CpuidIntersection.Of(s_amd, s_intel);

        Assert.Equal("AuthenticAMD", baseline.Vendor);
        Assert.Equal(s_amd.Find(1, 0)!.Value.Eax, baseline.Find(1, 0)!.Value.Eax);
        Assert.Equal(0xBu, baseline.Find(0, 0)!.Value.Eax);
        Assert.Equal(0x8000_0008u, baseline.Find(0x8000_0000, 0)!.Value.Eax);
        Assert.Equal(0x302Eu, baseline.Find(0x8000_0008, 0)!.Value.Eax);
        Assert.Equal(s_amd.Find(0x4000_0000, 0), baseline.Find(0x4000_0000, 0));
        Assert.DoesNotContain(baseline.Entries, entry => entry.Leaf is > 0x8000_0008 and < 0xC000_0000);
    }

    [Fact]
    public void A_feature_is_in_the_baseline_if_and_only_if_all_hosts_have_it()
    {
        CpuidTable baseline = CpuidIntersection.Of(s_intel, s_amd);

        string[] inverted = ["fdp_excptn_only", "zero_fcs_fds"];
        Assert.All(CpuidFeatures.All.Where(named => !inverted.Contains(named.Name)), named => Assert.Equal(
            (named.Name, s_intel.Has(named.Feature) && s_amd.Has(named.Feature)),
            (named.Name, baseline.Has(named.Feature))));
    }

    // Intel keeps AVX-512 at other offsets than AMD: an XSAVE area of one cannot be read by the other.
    [Fact]
    public void A_component_of_XSAVE_that_lies_elsewhere_takes_its_features_with_it()
    {
        CpuidTable baseline = CpuidIntersection.Of(SampleTables.Xeon, SampleTables.Epyc);

        Assert.Equal(7u, baseline.Find(0xD, 0)!.Value.Eax);
        Assert.Equal(0x340u, baseline.Find(0xD, 0)!.Value.Ecx);
        Assert.True(baseline.Has(CpuidFeatures.Named("avx2")));
        Assert.True(SampleTables.Xeon.Has(CpuidFeatures.Named("avx512f")));
        Assert.True(SampleTables.Epyc.Has(CpuidFeatures.Named("avx512f")));
        Assert.False(baseline.Has(CpuidFeatures.Named("avx512f")));
        Assert.False(baseline.Has(CpuidFeatures.Named("pku")));
    }

    [Fact]
    public void What_a_host_lacks_is_named_with_whether_the_guest_has_looked()
    {
        IReadOnlyList<CpuidDifference> missing = CpuidSuitability.Missing(
            s_amd, s_intel, [new CpuidObservation(7, 0, FirstVmTime: 12, Reads: 1)]);

        CpuidDifference umip = Assert.Single(missing, difference => difference.Name == "umip");
        Assert.True(umip.IsObserved);
        Assert.Equal((7u, 0u, CpuidRegister.Ecx), (umip.Leaf, umip.Subleaf, umip.Register));
        CpuidDifference width = Assert.Single(missing, difference => difference.Name == "physical address bits");
        Assert.Equal((52u, 46u, false), (width.Expected, width.Found, width.IsObserved));
        Assert.Equal(
            "umip (leaf 0x7, subleaf 0, ecx): the VM has 1, the host 0; the guest has read this leaf.", $"{umip}");
    }

    [Fact]
    public void A_bit_without_a_name_counts_and_is_named_as_the_manuals_do()
    {
        CpuidTable vm = With(s_intel, 7, 0, entry => entry with { Edx = entry.Edx | (1u << 0) });

        CpuidDifference unnamed = Assert.Single(CpuidSuitability.Missing(vm, s_intel, []));

        Assert.Equal("CPUID.(EAX=0x7,ECX=0):EDX[0]", unnamed.Name);
    }

    [Fact]
    public void A_host_with_more_than_the_vm_lacks_nothing()
    {
        CpuidTable less = With(s_intel, 7, 0, entry => entry with { Ebx = 0 });

        Assert.Empty(CpuidSuitability.Missing(less, s_intel, []));
        Assert.Empty(CpuidSuitability.Missing(CpuidTable.Empty, s_intel, []));
        Assert.NotEmpty(CpuidSuitability.Missing(s_intel, CpuidTable.Empty, []));
    }

    [Fact]
    public void A_component_of_XSAVE_that_lies_elsewhere_is_a_difference()
    {
        IEnumerable<string> names =
            CpuidSuitability.Missing(SampleTables.Xeon, SampleTables.Epyc, []).Select(difference => difference.Name);

        Assert.Contains("XSAVE offset of component 5", names);
        Assert.Contains("XSAVE component 3", names);
    }
}
