// SPDX-License-Identifier: Apache-2.0

using System.Globalization;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Cpuid.Fleet;
using Xunit;
using Xunit.Abstractions;

namespace KvmActors.Cpu.Tests.Cpuid.Fleet;

/// <summary>What holds for every comparison and baseline, on tables made by chance.</summary>
public sealed class CpuidFleetLawTests(ITestOutputHelper output)
{
    private const int Rounds = 300;

    private static void AssertWithin(CpuidTable less, CpuidTable more)
    {
        var comparison = CpuidComparison.Of(less, more);
        Assert.True(
            comparison.Relation is CpuidRelation.Identical or CpuidRelation.Subset,
            string.Join('\n', comparison.Differences.Where(found => found.Direction != CpuidDirection.OnlyB)));
    }

    private static void AssertSame(CpuidTable a, CpuidTable b) =>
        Assert.Empty(CpuidComparison.Of(a, b).Differences);

    private void ForAll(Action<CpuidTable, CpuidTable, CpuidTable> law)
    {
        int seed = Environment.GetEnvironmentVariable("KVMACTORS_TEST_SEED") is { Length: > 0 } given
            ? int.Parse(given, CultureInfo.InvariantCulture)
            : Random.Shared.Next();
        output.WriteLine($"KVMACTORS_TEST_SEED={seed}");
        Random random = new(seed);
        for (int round = 0; round < Rounds; round++)
        {
            law(FleetTables.ByChance(random), FleetTables.ByChance(random), FleetTables.ByChance(random));
        }
    }

    [Fact]
    public void A_baseline_is_within_every_host_it_was_made_of() => ForAll((a, b, c) =>
    {
        CpuidTable baseline = CpuidBaseline.Of(a, b, c);

        Assert.All([a, b, c], host => AssertWithin(baseline, host));
    });

    [Fact]
    public void A_host_that_offers_the_baseline_changes_nothing() => ForAll((a, b, _) =>
    {
        CpuidTable baseline = CpuidBaseline.Of(a, b);

        Assert.Equal(baseline, CpuidBaseline.Of(baseline, baseline));
        Assert.Equal(baseline, CpuidBaseline.Of(baseline, b));
        AssertSame(baseline, CpuidBaseline.Of(b, baseline));
    });

    [Fact]
    public void The_order_of_the_hosts_changes_only_what_decides_nothing() => ForAll((a, b, c) =>
    {
        CpuidTable baseline = CpuidBaseline.Of(a, b, c);

        Assert.All(
            [CpuidBaseline.Of(a, c, b), CpuidBaseline.Of(b, a, c), CpuidBaseline.Of(c, b, a)],
            other => AssertSame(baseline, other));
    });

    // The hypervisor's leaves are the first host's, as its identity is: a bare CPU in front has none to pass on.
    [Fact]
    public void The_baseline_of_baselines_is_the_baseline_of_all() => ForAll((a, b, c) => Assert.DoesNotContain(
        CpuidComparison.Of(
            CpuidBaseline.Of(CpuidBaseline.Of(a, b), c), CpuidBaseline.Of(a, CpuidBaseline.Of(b, c))).Differences,
        found => found.Leaf != 0x4000_0001));

    [Fact]
    public void A_host_that_loses_something_adds_nothing_to_the_pool() => ForAll((a, b, c) =>
    {
        CpuidTable less = CpuidBaseline.Of(a, c);

        AssertWithin(less, a);
        AssertWithin(CpuidBaseline.Of(less, b), CpuidBaseline.Of(a, b));
    });

    [Fact]
    public void A_comparison_read_backwards_is_the_comparison_of_the_other_with_the_one() => ForAll((a, b, _) =>
    {
        var there = CpuidComparison.Of(a, b);
        var back = CpuidComparison.Of(b, a);

        Assert.Equal(
            there.Relation,
            back.Relation switch
            {
                CpuidRelation.Superset => CpuidRelation.Subset,
                CpuidRelation.Subset => CpuidRelation.Superset,
                CpuidRelation.Identical => CpuidRelation.Identical,
                CpuidRelation.Incompatible => CpuidRelation.Incompatible,
            });
        Assert.Equal(
            there.Differences.Select(found => (found.Place, found.Name, found.A, found.B)),
            back.Differences.Select(found => (found.Place, found.Name, found.B, found.A)));
    });

    [Fact]
    public void A_check_is_ok_if_and_only_if_the_host_offers_at_least_the_table() => ForAll((a, b, _) =>
    {
        CpuidVerdict verdict = CpuidCheck.Of(a, b, [], CpuidLossPolicy.Strict).Verdict;
        CpuidRelation relation = CpuidComparison.Of(a, b).Relation;

        Assert.Equal(verdict == CpuidVerdict.Ok, relation is CpuidRelation.Identical or CpuidRelation.Subset);
        Assert.Equal(
            CpuidVerdict.Ok, CpuidCheck.Of(CpuidBaseline.Of(a, b), b, [], CpuidLossPolicy.Strict).Verdict);
    });

    [Fact]
    public void What_the_pool_goes_without_is_always_because_of_somebody() => ForAll((a, b, c) =>
    {
        CpuidHost[] hosts = [new("a", a), new("b", b), new("c", c)];
        CpuidTable baseline = CpuidBaseline.Of(a, b, c);
        var explanation = CpuidBaselineExplanation.Of(hosts, baseline);

        Assert.All(explanation.Costs, cost => Assert.False(cost.Hosts.IsEmpty, $"{cost.Lost}"));

        // What one host alone costs comes back when it leaves.
        foreach (CpuidHostShare host in explanation.Hosts)
        {
            IEnumerable<string> alone = host.Costs
                .Where(cost => cost.Reason == CpuidCostReason.Lacks && cost.Lost.Rule == CpuidRule.Features)
                .Where(cost => cost.Lost is { A: 1 } and not { Leaf: 0x4000_0001 })
                .Select(cost => cost.Lost.Place);
            Assert.Subset(
                new HashSet<string>(host.Gain.Select(gain => gain.Place)),
                new HashSet<string>(alone.Where(place => IsFreeOfXsave(place, hosts, host.Name))));
        }
    });

    /// <summary>A feature that comes back may still be without its component of XSAVE or above a highest leaf: then
    /// the rest of the pool does not offer it either.</summary>
    private static bool IsFreeOfXsave(string place, CpuidHost[] hosts, string leaving)
    {
        CpuidTable[] rest = [.. hosts.Where(host => host.Name != leaving).Select(host => host.Table)];
        CpuidTable pool = CpuidBaseline.Of(rest[0], [.. rest.Skip(1)]);
        return rest.All(table => CpuidComparison.Of(table, pool).Differences.All(found => found.Place != place));
    }
}
