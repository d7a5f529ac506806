// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Cpuid.Fleet;
using KvmActors.Cpu.Cpuid.Names;
using Xunit;

namespace KvmActors.Cpu.Tests.Cpuid.Fleet;

/// <summary>Refusal of mixed vendors, who costs what, and what a host that joins or leaves changes.</summary>
public sealed class CpuidBaselineTests
{
    private static readonly CpuidTable s_xeon = SampleTables.Xeon;
    private static readonly CpuidTable s_noAvx2 =
        s_xeon.With(7, 0, entry => entry with { Ebx = entry.Ebx & ~(1u << 5) });

    private static readonly CpuidTable s_noAvx2NorUmip =
        s_noAvx2.With(7, 0, entry => entry with { Ecx = entry.Ecx & ~4u });

    private static readonly CpuidTable s_umip = s_xeon.With(7, 0, entry => entry with { Ecx = entry.Ecx | 4u });

    private static CpuidBaselineExplanation Explain(params CpuidTable[] tables)
    {
        CpuidHost[] hosts = [.. tables.Select((table, i) => new CpuidHost($"host-{i}", table))];
        return CpuidBaselineExplanation.Of(hosts, CpuidBaseline.Of(tables[0], [.. tables.Skip(1)]));
    }

    [Fact]
    public void Hosts_of_several_vendors_are_refused_by_name_unless_that_is_wanted()
    {
        CpuidHost[] hosts = [new("a", s_xeon), new("b", SampleTables.Epyc), new("c", s_xeon)];

        var refused = (CpuidBaselineOutcome.Refused)CpuidBaseline.Of(hosts, CpuidVendorPolicy.OneVendor);
        var made = (CpuidBaselineOutcome.Made)CpuidBaseline.Of(hosts, CpuidVendorPolicy.CrossVendor);

        Assert.StartsWith(
            "Expected hosts of one vendor, found GenuineIntel (a, c) and AuthenticAMD (b). ",
            refused.Sentence,
            StringComparison.Ordinal);
        Assert.Equal("GenuineIntel", made.Table.Vendor);
        Assert.IsType<CpuidBaselineOutcome.Made>(CpuidBaseline.Of([hosts[0], hosts[2]], CpuidVendorPolicy.OneVendor));
        Assert.Throws<ArgumentException>(() => CpuidBaseline.Of([], CpuidVendorPolicy.CrossVendor));
    }

    [Fact]
    public void A_feature_that_one_host_lacks_is_that_hosts_cost_and_comes_back_when_it_leaves()
    {
        CpuidBaselineExplanation explanation = Explain(s_xeon, s_noAvx2, s_xeon);

        CpuidCost cost = Assert.Single(explanation.Costs);
        Assert.Equal(("avx2", CpuidCostReason.Lacks), (cost.Lost.Name, cost.Reason));
        Assert.Equal(["host-1"], cost.Hosts.AsEnumerable());
        Assert.Equal(["avx2"], explanation.Hosts[1].Costs.Select(alone => alone.Lost.Name));
        Assert.Equal(["avx2"], explanation.Hosts[1].Gain.Select(gain => gain.Name));
        Assert.Empty(explanation.Hosts[0].Gain);
        Assert.Empty(explanation.Vendors);
    }

    [Fact]
    public void A_feature_that_several_lack_is_shared_and_comes_back_for_none()
    {
        CpuidBaselineExplanation explanation = Explain(s_umip, s_noAvx2NorUmip, s_noAvx2);

        Assert.Equal(
            ["avx2: host-1 host-2", "umip: host-1 host-2"],
            explanation.Costs.Select(cost => $"{cost.Lost.Name}: {string.Join(' ', cost.Hosts)}"));
        Assert.All(explanation.Hosts, host => Assert.Empty(host.Gain));
        Assert.Equal([0, 2, 2], explanation.Hosts.Select(host => host.SharedCosts));
    }

    [Fact]
    public void The_narrowest_addresses_cost_the_pool_the_others_width()
    {
        CpuidTable narrow = s_xeon.With(0x8000_0008, 0, entry => entry with { Eax = 0x3027 });

        CpuidCost cost = Explain(s_xeon, narrow).Costs.First(cost => cost.Lost.Name == "physical address bits");

        Assert.Equal((46u, 39u, CpuidCostReason.Smallest), (cost.Lost.A, cost.Lost.B, cost.Reason));
        Assert.Equal(["host-1"], cost.Hosts.AsEnumerable());
    }

    [Fact]
    public void A_component_that_lies_elsewhere_on_one_host_costs_its_features()
    {
        CpuidTable elsewhere = s_xeon.With(0xD, 9, entry => entry with { Ebx = entry.Ebx + 64 });

        CpuidBaselineExplanation explanation = Explain(s_xeon, s_xeon, elsewhere);

        CpuidCost pku = explanation.Costs.Single(cost => cost.Lost.Name == "pku");
        Assert.Equal(CpuidCostReason.Differs, pku.Reason);
        Assert.Equal(["host-2"], pku.Hosts.AsEnumerable());
        Assert.Contains("pku", explanation.Hosts[2].Gain.Select(gain => gain.Name));
    }

    [Fact]
    public void Where_no_answer_has_most_hosts_all_are_to_blame()
    {
        CpuidTable elsewhere = s_xeon.With(0xD, 9, entry => entry with { Ebx = entry.Ebx + 64 });

        CpuidCost pku = Explain(s_xeon, elsewhere).Costs.Single(cost => cost.Lost.Name == "pku");

        Assert.Equal(["host-0", "host-1"], pku.Hosts.AsEnumerable());
    }

    [Fact]
    public void Across_vendors_each_vendors_loss_is_told()
    {
        CpuidBaselineExplanation explanation = Explain(s_xeon, SampleTables.Epyc);

        Assert.Equal(["GenuineIntel", "AuthenticAMD"], explanation.Vendors.Select(vendor => vendor.Vendor));
        Assert.Contains("vmx", explanation.Vendors[0].GivenUp.Select(given => given.Name));
        Assert.Contains("svm", explanation.Vendors[1].GivenUp.Select(given => given.Name));
    }

    [Fact]
    public void A_host_that_joins_or_leaves_changes_the_pool_by_what_it_lacks()
    {
        var joined = CpuidPoolChange.Of(s_xeon, CpuidBaseline.Of(s_xeon, s_noAvx2));
        var left = CpuidPoolChange.Of(CpuidBaseline.Of(s_xeon, s_noAvx2), s_xeon);

        Assert.Equal(["avx2"], joined.Lost.Select(lost => lost.Name));
        Assert.Empty(joined.Gained);
        Assert.Equal(["avx2"], left.Gained.Select(gained => gained.Name));
        Assert.False(left.IdentityChanges);
        Assert.True(CpuidPoolChange.Of(s_xeon, SampleTables.Epyc).IdentityChanges);
    }

    [Fact]
    public void A_supervisor_component_that_lies_elsewhere_is_in_no_baseline()
    {
        CpuidTable With(uint bytes) => CpuidTable.Of(s_xeon
            .With(0xD, 1, entry => entry with { Ecx = 1 << 11 })
            .Entries.Add(new CpuidEntry(0xD, 11, CpuidEntryFlags.SignificantIndex, bytes, 0, 1, 0)));

        CpuidTable baseline = CpuidBaseline.Of(With(16), With(24));

        Assert.Equal(0u, baseline.Find(0xD, 1)!.Value.Ecx);
        Assert.Null(baseline.Find(0xD, 11));
        Assert.True(baseline.Has(CpuidFeatures.Named("avx2")));
    }

    [Fact]
    public void A_pool_of_a_thousand_hosts_is_explained_host_by_host()
    {
        CpuidTable[] tables = [.. Enumerable.Repeat(s_xeon, 999), s_noAvx2];

        CpuidBaselineExplanation explanation = Explain(tables);

        Assert.Equal(["host-999"], Assert.Single(explanation.Costs).Hosts.AsEnumerable());
        Assert.Equal(["avx2"], explanation.Hosts[^1].Gain.Select(gain => gain.Name));
    }
}
