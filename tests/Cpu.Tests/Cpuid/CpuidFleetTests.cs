// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
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

    private static ImmutableArray<CpuidCheckReason> Missing(
        CpuidTable table, CpuidTable host, params CpuidObservation[] observed) =>
        CpuidCheck.Of(table, host, observed, CpuidLossPolicy.Strict).Reasons;

    private static CpuidTable With(CpuidTable table, uint leaf, uint subleaf, Func<CpuidEntry, CpuidEntry> change) =>
        CpuidTable.Of(table.Entries.Select(entry =>
            entry.Leaf == leaf && entry.Subleaf == subleaf ? change(entry) : entry));

    [Fact]
    public void A_baseline_of_one_is_that_one()
    {
        Assert.Same(s_amd, CpuidBaseline.Of(s_amd));
        Assert.Equal(s_amd, CpuidBaseline.Of(s_amd, s_amd));
        Assert.Equal(SampleTables.Xeon, CpuidBaseline.Of(SampleTables.Xeon, SampleTables.Xeon));
    }

    [Fact]
    public void A_baseline_runs_on_every_host_it_was_made_of()
    {
        Assert.Empty(Missing(CpuidBaseline.Of(s_amd, s_intel), s_amd));
        Assert.Empty(Missing(CpuidBaseline.Of(s_amd, s_intel), s_intel));
        Assert.Empty(Missing(CpuidBaseline.Of(s_intel, s_amd), s_amd));

        CpuidTable raw = CpuidBaseline.Of(SampleTables.Xeon, SampleTables.Epyc);
        Assert.Empty(Missing(raw, SampleTables.Xeon));
        Assert.Empty(Missing(raw, SampleTables.Epyc));
    }

    [Fact]
    public void A_baseline_has_the_first_hosts_identity_and_the_smallest_sizes()
    {
        CpuidTable baseline = CpuidBaseline.Of(s_amd, s_intel);

        Assert.Equal("AuthenticAMD", baseline.Vendor);
        Assert.Equal(s_amd.Find(1, 0)!.Value.Eax, baseline.Find(1, 0)!.Value.Eax);
        Assert.Equal(0xDu, baseline.Find(0, 0)!.Value.Eax);
        Assert.Equal(0x8000_0008u, baseline.Find(0x8000_0000, 0)!.Value.Eax);
        Assert.Equal(0x302Eu, baseline.Find(0x8000_0008, 0)!.Value.Eax);
        Assert.Equal(s_amd.Find(0x4000_0000, 0), baseline.Find(0x4000_0000, 0));
        Assert.DoesNotContain(baseline.Entries, entry => entry.Leaf is > 0x8000_0008 and < 0xC000_0000);
    }

    [Fact]
    public void A_feature_is_in_the_baseline_if_and_only_if_all_hosts_have_it()
    {
        CpuidTable baseline = CpuidBaseline.Of(s_intel, s_amd);

        string[] inverted = ["fdp_excptn_only", "zero_fcs_fds"];
        Assert.All(CpuidFeatures.All.Where(named => !inverted.Contains(named.Name)), named => Assert.Equal(
            (named.Name, s_intel.Has(named.Feature) && s_amd.Has(named.Feature)),
            (named.Name, baseline.Has(named.Feature))));
    }

    // Intel keeps AVX-512 at other offsets than AMD: an XSAVE area of one cannot be read by the other.
    [Fact]
    public void A_component_of_XSAVE_that_lies_elsewhere_takes_its_features_with_it()
    {
        CpuidTable baseline = CpuidBaseline.Of(SampleTables.Xeon, SampleTables.Epyc);

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
        ImmutableArray<CpuidCheckReason> missing = Missing(
            s_amd, s_intel, new CpuidObservation(7, 0, FirstVmTime: 12, Reads: 1));

        CpuidCheckReason umip = Assert.Single(missing, reason => reason.Missing.Name == "umip");
        Assert.True(umip.IsObserved);
        Assert.Equal("CPUID.(EAX=0x7,ECX=0):ECX[2]", umip.Missing.Place);
        Assert.Equal("umip is missing and the guest has read it (readings: 1, first at VM time 12).", $"{umip}");
        CpuidCheckReason width = Assert.Single(missing, reason => reason.Missing.Name == "physical address bits");
        Assert.Equal((52u, 46u, false), (width.Missing.A, width.Missing.B, width.IsObserved));
        Assert.Equal("physical address bits (52, the host has 46) is missing, never observed.", $"{width}");
    }

    [Fact]
    public void A_bit_without_a_name_counts_and_is_named_as_the_manuals_do()
    {
        CpuidTable vm = With(s_intel, 7, 0, entry => entry with { Edx = entry.Edx | (1u << 0) });

        CpuidCheckReason unnamed = Assert.Single(Missing(vm, s_intel));

        Assert.Equal("CPUID.(EAX=0x7,ECX=0):EDX[0]", unnamed.Missing.Name);
    }

    [Fact]
    public void A_host_with_more_than_the_vm_lacks_nothing()
    {
        CpuidTable less = With(s_intel, 7, 0, entry => entry with { Ebx = (1 << 6) | (1 << 13) });

        Assert.Empty(Missing(less, s_intel));
        Assert.Empty(Missing(CpuidTable.Empty, s_intel));
        Assert.NotEmpty(Missing(s_intel, CpuidTable.Empty));
    }

    [Fact]
    public void A_component_of_XSAVE_that_lies_elsewhere_is_a_difference()
    {
        IEnumerable<string> names =
            Missing(SampleTables.Xeon, SampleTables.Epyc).Select(reason => reason.Missing.Name);

        Assert.Contains("XSAVE offset of component 5", names);
        Assert.Contains("XSAVE component 3 (MPX)", names);
    }
}
