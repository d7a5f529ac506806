// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Actors.Migration;
using KvmActors.Actors.Vm;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Cpuid.Fleet;
using KvmActors.Cpu.Cpuid.Formats;
using KvmActors.Persistence.Membership;

namespace KvmActors.Actors.Cluster;

/// <summary>What the active nodes offer together, what each does to that, and where each VM could run. Pure.</summary>
/// <param name="Nodes">Names of the active nodes whose table reads, in order.</param>
/// <param name="Vendors">As in leaf 0, in the order of the nodes.</param>
/// <param name="Features">How many named features every node offers.</param>
/// <param name="Shares">One for each node.</param>
/// <param name="Vms">One for each VM that has not ended.</param>
/// <param name="Problems">A sentence for each active node that was left out.</param>
public sealed record PoolReport(
    ImmutableArray<string> Nodes,
    ImmutableArray<string> Vendors,
    int Features,
    ImmutableArray<PoolReport.Share> Shares,
    ImmutableArray<PoolReport.Placement> Vms,
    ImmutableArray<string> Problems)
{
    /// <summary>Names in one list; the rest is a count.</summary>
    public const int NamesMax = 16;

    /// <summary>What one node does to the pool.</summary>
    /// <param name="Costs">What this node alone costs.</param>
    /// <param name="Gains">What the pool would have more if it left; nothing where it is the only one.</param>
    public sealed record Share(
        string Node, ImmutableArray<string> Costs, int MoreCosts, ImmutableArray<string> Gains, int MoreGains);

    /// <summary>Where one VM could run.</summary>
    /// <param name="Problem">Why nothing is known of it; null where all is well.</param>
    public sealed record Placement(
        string Vm, ImmutableArray<string> CanRunOn, ImmutableArray<Obstacle> Obstacles, string? Problem);

    /// <summary>Why a VM cannot run on a node.</summary>
    /// <param name="Read">Missing there, and the guest has read it.</param>
    /// <param name="NeverRead">Missing there, but the guest has never looked.</param>
    /// <param name="More">How much more is missing.</param>
    public sealed record Obstacle(
        string Node, ImmutableArray<string> Read, ImmutableArray<string> NeverRead, int More);

    /// <param name="nodes">All rows; those that are not active are passed over.</param>
    /// <param name="vms">As their owners publish them.</param>
    public static PoolReport Of(IEnumerable<NodeRow> nodes, IEnumerable<VmStatus> vms)
    {
        ArgumentNullException.ThrowIfNull(nodes);
        ArgumentNullException.ThrowIfNull(vms);
        List<CpuidHost> hosts = [];
        List<string> problems = [];
        foreach (NodeRow row in nodes.Where(row => row.Status == NodeStatus.Active)
            .OrderBy(row => row.Id.Name, StringComparer.Ordinal))
        {
            try
            {
                hosts.Add(new CpuidHost(row.Id.Name, CpuidJson.Read(row.CpuidTable)));
            }
            catch (Exception fault) when (fault is CpuidFormatException or ArgumentException)
            {
                problems.Add(
                    $"{row.Id.Name} is left out, its CPUID table does not read. {fault.Message} Start it again.");
            }
        }

        ImmutableArray<Placement> placements =
        [
            .. vms.Where(vm => vm.End is null).OrderBy(vm => vm.Vm.Value, StringComparer.Ordinal)
                .Select(vm => PlacementOf(vm, hosts)),
        ];
        if (hosts.Count == 0)
        {
            return new PoolReport([], [], 0, [], placements, [.. problems]);
        }

        CpuidTable baseline = CpuidBaseline.Of(hosts[0].Table, [.. hosts.Skip(1).Select(host => host.Table)]);
        return new PoolReport(
            [.. hosts.Select(host => host.Name)],
            [.. hosts.Select(host => host.Table.Vendor).Distinct()],
            CpuidBaseline.CountFeatures(baseline),
            [.. CpuidBaselineExplanation.Of(hosts, baseline).Hosts.Select(ShareOf)],
            placements,
            [.. problems]);
    }

    private static Share ShareOf(CpuidHostShare host) => new(
        host.Name,
        [.. host.Costs.Take(NamesMax).Select(cost => Told(cost.Lost, cost.Lost.A, cost.Lost.B))],
        Math.Max(0, host.Costs.Length - NamesMax),
        [.. host.Gain.Take(NamesMax).Select(gain => Told(gain, gain.B, gain.A))],
        Math.Max(0, host.Gain.Length - NamesMax));

    private static string Told(CpuidDifference difference, uint without, uint pool) =>
        difference.Rule == CpuidRule.Numbers ? $"{difference.Name} ({without}, the pool has {pool})" : difference.Name;

    private static Placement PlacementOf(VmStatus vm, List<CpuidHost> hosts)
    {
        if (vm.Machine is not { } machine)
        {
            return new Placement(vm.Vm.ToString(), [], [], vm.Problem ?? "Its owner has not published its table yet.");
        }

        ImmutableArray<GuestCpuid> guest = GuestCpuid.Of(machine);
        List<string> canRunOn = [];
        List<Obstacle> obstacles = [];
        foreach (CpuidHost host in hosts)
        {
            ImmutableArray<CpuidCheckReason> missing = CpuidPreflight.Missing(guest, host.Table);
            if (missing.IsEmpty)
            {
                canRunOn.Add(host.Name);
            }
            else
            {
                obstacles.Add(ObstacleOf(host.Name, missing));
            }
        }

        return new Placement(vm.Vm.ToString(), [.. canRunOn], [.. obstacles], null);
    }

    private static Obstacle ObstacleOf(string node, ImmutableArray<CpuidCheckReason> missing)
    {
        ILookup<bool, string> told = missing.Take(NamesMax)
            .ToLookup(reason => reason.IsObserved, reason => reason.What);
        return new Obstacle(node, [.. told[true]], [.. told[false]], Math.Max(0, missing.Length - NamesMax));
    }
}
