// SPDX-License-Identifier: Apache-2.0

using KvmActors.Host.Control.V1;

namespace KvmActors.Host.Control.Reports;

/// <summary>The CPUID pool as JSON shows it.</summary>
internal sealed record PoolJson(
    IReadOnlyList<string> Nodes,
    IReadOnlyList<string> Vendors,
    uint Features,
    IReadOnlyList<PoolJson.Share> Shares,
    IReadOnlyList<PoolJson.Placement> Vms,
    IReadOnlyList<string> Problems)
{
    /// <param name="pool">Null where the node that was asked is older than this message.</param>
    public static PoolJson? Of(PoolStatus? pool) => pool is null ? null : new PoolJson(
        pool.Nodes,
        pool.Vendors,
        pool.Features,
        [
            .. pool.Shares.Select(share => new Share(
                share.Node, share.Costs, share.MoreCosts, share.Gains, share.MoreGains)),
        ],
        [.. pool.Vms.Select(Of)],
        pool.Problems);

    private static Placement Of(PoolPlacement vm) => new(
        vm.Vm,
        vm.CanRunOn,
        [
            .. vm.Obstacles.Select(obstacle => new Obstacle(
                obstacle.Node, obstacle.Read, obstacle.NeverRead, obstacle.More)),
        ],
        vm.Problem);

    /// <param name="MoreCosts">How many further costs there are, not named.</param>
    /// <param name="MoreGains">How many further gains there are, not named.</param>
    public sealed record Share(
        string Node, IReadOnlyList<string> Costs, uint MoreCosts, IReadOnlyList<string> Gains, uint MoreGains);

    /// <param name="Problem">Why nothing is known of it; empty where all is well.</param>
    public sealed record Placement(
        string Vm, IReadOnlyList<string> CanRunOn, IReadOnlyList<Obstacle> Obstacles, string Problem);

    public sealed record Obstacle(
        string Node, IReadOnlyList<string> Read, IReadOnlyList<string> NeverRead, uint More);
}
