// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;

namespace KvmActors.Cpu.Cpuid.Fleet;

/// <summary>Why a baseline is not richer: what it goes without, and which host costs it. Pure.</summary>
/// <param name="Costs">Everything that some host offers and the baseline does not, by leaf, register and bit.</param>
/// <param name="Hosts">What each host does to the pool, in the pool's order.</param>
/// <param name="Vendors">What each vendor's hosts give up; empty if all are of one.</param>
public sealed record CpuidBaselineExplanation(
    ImmutableArray<CpuidCost> Costs,
    ImmutableArray<CpuidHostShare> Hosts,
    ImmutableArray<CpuidVendorLoss> Vendors)
{
    /// <param name="hosts">At least one.</param>
    /// <param name="baseline">Their baseline.</param>
    public static CpuidBaselineExplanation Of(IReadOnlyList<CpuidHost> hosts, CpuidTable baseline)
    {
        ArgumentNullException.ThrowIfNull(hosts);
        ArgumentNullException.ThrowIfNull(baseline);
        CpuidCostFinder finder = new(hosts, baseline);
        ImmutableArray<CpuidCost> costs = [.. Richest(hosts, baseline).Select(finder.Find)];
        return new CpuidBaselineExplanation(costs, Shares(hosts, baseline, costs), VendorLosses(hosts, baseline));
    }

    /// <summary>Every place where a host offers more than the baseline, with the most that one offers.</summary>
    private static IEnumerable<CpuidDifference> Richest(IReadOnlyList<CpuidHost> hosts, CpuidTable baseline)
    {
        Dictionary<(uint, uint, CpuidRegister, int?, string), CpuidDifference> lost = [];
        foreach (CpuidDifference found in hosts.Select(host => host.Table).Distinct()
            .SelectMany(table => CpuidComparison.Of(table, baseline).Differences))
        {
            (uint, uint, CpuidRegister, int?, string) place =
                (found.Leaf, found.Subleaf, found.Register, found.Bit, found.Name);
            if (!lost.TryGetValue(place, out CpuidDifference? known) || found.A > known.A)
            {
                lost[place] = found;
            }
        }

        return lost.OrderBy(place => place.Key).Select(place => place.Value);
    }

    private static ImmutableArray<CpuidHostShare> Shares(
        IReadOnlyList<CpuidHost> hosts, CpuidTable baseline, ImmutableArray<CpuidCost> costs)
    {
        ILookup<string, CpuidCost> byHost = costs
            .SelectMany(cost => cost.Hosts.Select(host => (host, cost)))
            .ToLookup(share => share.host, share => share.cost);
        CpuidTable?[] without = Without(hosts);
        return
        [
            .. hosts.Select((host, position) => new CpuidHostShare(
                host.Name,
                host.Table.Vendor,
                [.. byHost[host.Name].Where(cost => cost.IsOfOneHost)],
                byHost[host.Name].Count(cost => !cost.IsOfOneHost),
                without[position] is { } pool
                    ? [.. CpuidComparison.Of(baseline, pool).Differences]
                    : [])),
        ];
    }

    /// <summary>The baseline without each host in turn: those before it and those behind it, joined. Null if nobody is
    /// left.</summary>
    private static CpuidTable?[] Without(IReadOnlyList<CpuidHost> hosts)
    {
        var behind = new CpuidTable?[hosts.Count + 1];
        for (int position = hosts.Count - 1; position > 0; position--)
        {
            behind[position] = Join(hosts[position].Table, behind[position + 1]);
        }

        var without = new CpuidTable?[hosts.Count];
        CpuidTable? before = null;
        for (int position = 0; position < hosts.Count; position++)
        {
            without[position] = Join(before, behind[position + 1]);
            before = Join(before, hosts[position].Table);
        }

        return without;
    }

    private static CpuidTable? Join(CpuidTable? first, CpuidTable? other) =>
        first is null ? other : other is null ? first : CpuidBaseline.Of(first, other);

    private static ImmutableArray<CpuidVendorLoss> VendorLosses(IReadOnlyList<CpuidHost> hosts, CpuidTable baseline)
    {
        IGrouping<string, CpuidTable>[] vendors =
            [.. hosts.GroupBy(host => host.Table.Vendor, host => host.Table)];
        return vendors.Length == 1 ? [] :
        [
            .. vendors.Select(vendor => new CpuidVendorLoss(
                vendor.Key,
                vendor.Count(),
                [.. CpuidComparison.Of(CpuidBaseline.Of(vendor.First(), [.. vendor.Skip(1)]), baseline).Differences])),
        ];
    }
}
