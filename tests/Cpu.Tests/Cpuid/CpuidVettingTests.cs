// SPDX-License-Identifier: Apache-2.0

using System.Collections.Frozen;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Cpuid.Names;
using KvmActors.Cpu.Cpuid.Vetting;
using KvmActors.Cpu.Execute;
using Xunit;

namespace KvmActors.Cpu.Tests.Cpuid;

/// <summary>What is left of a real CPU's table for a guest of this engine.</summary>
public sealed class CpuidVettingTests
{
    private static readonly CpuidRuntime s_reset = new(Cr4: 0, Xcr0: 1, Xss: 0, ApicBase: 0, MiscEnable: 0);

    // An engine that has everything: shows what vetting itself takes away.
    private static readonly EngineFeatures s_all = new(
        CpuidFeatures.All.Select(named => named.Feature).ToFrozenSet(), ulong.MaxValue, 52, 57);

    public static TheoryData<string> Samples => ["AuthenticAMD", "GenuineIntel"];

    private static CpuidTable Sample(string vendor) =>
        vendor == "AuthenticAMD" ? SampleTables.Epyc : SampleTables.Xeon;

    [Theory]
    [MemberData(nameof(Samples))]
    public void A_feature_that_is_advertised_is_executed_and_the_cpu_has_it(string vendor)
    {
        CpuidTable cut = CpuidVetting.CutToEngine(Sample(vendor));

        string[] ours =
        [
            "hypervisor", "x2apic", "tsc_deadline", "tsc_adjust", "fdp_excptn_only", "zero_fcs_fds",
            "kvm_clocksource", "kvm_nop_io_delay", "kvm_clocksource2", "kvm_pv_unhalt", "kvm_pv_send_ipi",
            "kvm_pv_sched_yield", "kvm_clocksource_stable",
        ];
        Assert.All(CpuidFeatures.All.Where(named => cut.Has(named.Feature) && !ours.Contains(named.Name)), named =>
        {
            // AMD repeats bits of leaf 1.
            CpuidFeature executed = named.Name.StartsWith("amd_", StringComparison.Ordinal)
                ? named.Feature with { Leaf = 1 }
                : named.Feature;
            Assert.True(EngineFeatures.Current.Executes(executed), $"{named.Name} is advertised, not executed.");
            Assert.True(Sample(vendor).Has(named.Feature), $"{named.Name} is advertised, but the CPU lacks it.");
        });
        Assert.True(cut.Has(CpuidFeatures.Named("lm")));
        Assert.True(cut.Has(CpuidFeatures.Named("nx")));
    }

    [Theory]
    [MemberData(nameof(Samples))]
    public void The_identity_stays_the_cpus(string vendor)
    {
        CpuidTable cut = CpuidVetting.CutToEngine(Sample(vendor));

        Assert.Equal(vendor, cut.Vendor);
        Assert.Equal(Sample(vendor).Find(1, 0)!.Value.Eax, cut.Find(1, 0)!.Value.Eax);
        for (uint name = 0x8000_0002; name <= 0x8000_0004; name++)
        {
            Assert.Equal(Sample(vendor).Find(name, 0), cut.Find(name, 0));
        }
    }

    [Theory]
    [MemberData(nameof(Samples))]
    public void A_guest_finds_KVM_and_no_paravirtual_device_that_is_not_there(string vendor)
    {
        CpuidTable cut = CpuidVetting.CutToEngine(Sample(vendor));

        Assert.True(cut.Has(CpuidFeatures.Named("hypervisor")));
        Assert.Equal(
            new CpuidRegisters(0x4000_0001, 0x4B4D_564B, 0x564B_4D56, 0x4D), cut.Query(0x4000_0000, 0, s_reset));
        Assert.Equal(new CpuidRegisters(0x0100_288B, 0, 0, 0), cut.Query(0x4000_0001, 0, s_reset));
    }

    [Theory]
    [InlineData("monitor")]
    [InlineData("vmx")]
    [InlineData("svm")]
    [InlineData("ht")]
    [InlineData("pku")]
    [InlineData("avx")]
    [InlineData("osxsave")]
    public void What_the_engine_lacks_is_not_advertised(string name)
    {
        Assert.False(CpuidVetting.CutToEngine(SampleTables.Epyc).Has(CpuidFeatures.Named(name)));
        Assert.False(CpuidVetting.CutToEngine(SampleTables.Xeon).Has(CpuidFeatures.Named(name)));
    }

    [Theory]
    [InlineData(3u)]
    [InlineData(5u)]
    [InlineData(9u)]
    [InlineData(0xAu)]
    [InlineData(0xFu)]
    [InlineData(0x10u)]
    [InlineData(0x12u)]
    [InlineData(0x14u)]
    [InlineData(0x8000_000Au)]
    public void Leaves_of_what_is_not_there_answer_zeros(uint leaf)
    {
        Assert.Null(CpuidVetting.CutToEngine(SampleTables.Epyc, s_all).Find(leaf, 0));
        Assert.Null(CpuidVetting.CutToEngine(SampleTables.Xeon, s_all).Find(leaf, 0));
    }

    [Fact]
    public void Every_topology_leaf_tells_of_one_vcpu()
    {
        CpuidTable intel = CpuidVetting.CutToEngine(SampleTables.Xeon);
        CpuidTable amd = CpuidVetting.CutToEngine(SampleTables.Epyc);

        Assert.Equal(0x0001_0800u, intel.Find(1, 0)!.Value.Ebx);
        Assert.All(intel.Entries.Where(entry => entry.Leaf == 4), cache => Assert.Equal(0u, cache.Eax >> 14));
        Assert.Equal(4, intel.Entries.Count(entry => entry.Leaf == 4));
        Assert.All(amd.Entries.Where(entry => entry.Leaf == 0x8000_001D), cache => Assert.Equal(0u, cache.Eax >> 14));
        Assert.Equal(0u, amd.Find(0x8000_0008, 0)!.Value.Ecx);
        Assert.Equal(new CpuidRegisters(0, 1, 0x100, 0), intel.Query(0xB, 0, s_reset));
        Assert.Equal(new CpuidRegisters(0, 1, 0x201, 0), amd.Query(0xB, 1, s_reset));
        Assert.Equal(new CpuidRegisters(0, 0, 5, 0), intel.Query(0xB, 5, s_reset));
    }

    [Fact]
    public void The_maximum_leaves_are_the_highest_that_are_left()
    {
        CpuidTable intel = CpuidVetting.CutToEngine(SampleTables.Xeon);
        CpuidTable amd = CpuidVetting.CutToEngine(SampleTables.Epyc);

        Assert.Equal(0x15u, intel.Find(0, 0)!.Value.Eax);
        Assert.Equal(0x8000_0008u, intel.Find(0x8000_0000, 0)!.Value.Eax);
        Assert.Equal(0xDu, amd.Find(0, 0)!.Value.Eax);
        Assert.Equal(0x8000_001Du, amd.Find(0x8000_0000, 0)!.Value.Eax);
        Assert.Equal(1_000_000_000u, intel.Find(0x15, 0)!.Value.Ecx);
        Assert.Null(amd.Find(0x15, 0));
    }

    [Fact]
    public void Address_widths_are_the_smaller_of_the_cpus_and_the_engines()
    {
        Assert.Equal(0x3034u, CpuidVetting.CutToEngine(SampleTables.Epyc).Find(0x8000_0008, 0)!.Value.Eax);
        Assert.Equal(0x302Eu, CpuidVetting.CutToEngine(SampleTables.Xeon).Find(0x8000_0008, 0)!.Value.Eax);
        Assert.Equal(0x3934u, CpuidVetting.CutToEngine(SampleTables.Epyc, s_all).Find(0x8000_0008, 0)!.Value.Eax);
    }

    [Fact]
    public void An_engine_with_AVX_alone_gets_that_component_of_XSAVE_alone()
    {
        CpuidTable cut = CpuidVetting.CutToEngine(SampleTables.Epyc, s_all with { Xcr0 = 7 });

        Assert.Equal(7u, cut.Find(0xD, 0)!.Value.Eax);
        Assert.Equal(0x340u, cut.Find(0xD, 0)!.Value.Ecx);
        Assert.Equal(new CpuidRegisters(0x100, 0x240, 0, 0), cut.Find(0xD, 2)!.Value.Registers);
        Assert.Null(cut.Find(0xD, 5));
        Assert.Equal(3u, CpuidVetting.CutToEngine(SampleTables.Epyc).Find(0xD, 0)!.Value.Eax);
    }

    [Theory]
    [MemberData(nameof(Samples))]
    public void Cutting_twice_is_cutting_once(string vendor)
    {
        CpuidTable once = CpuidVetting.CutToEngine(Sample(vendor));

        Assert.Equal(once, CpuidVetting.CutToEngine(once));
        Assert.Equal(CpuidTable.Empty, CpuidVetting.CutToEngine(CpuidTable.Empty));
    }

    [Fact]
    public void A_table_of_a_cpu_without_any_feature_is_cut_without_a_fault()
    {
        CpuidTable cut = CpuidVetting.CutToEngine(CpuidTable.Of([new CpuidEntry(0, 0, 0, 0, 0, 0, 0)]));

        Assert.Equal(0u, cut.Find(0, 0)!.Value.Eax);
    }
}
