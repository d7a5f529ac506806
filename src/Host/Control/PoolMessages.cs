// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Cluster;
using KvmActors.Host.Control.V1;

namespace KvmActors.Host.Control;

/// <summary>The CPUID pool as a message of <c>control.proto</c>. Pure.</summary>
internal static class PoolMessages
{
    public static PoolStatus Of(PoolReport pool) => new()
    {
        Nodes = { pool.Nodes },
        Vendors = { pool.Vendors },
        Features = (uint)pool.Features,
        Shares = { pool.Shares.Select(Of) },
        Vms = { pool.Vms.Select(Of) },
        Problems = { pool.Problems },
    };

    private static PoolShare Of(PoolReport.Share share) => new()
    {
        Node = share.Node,
        Costs = { share.Costs },
        MoreCosts = (uint)share.MoreCosts,
        Gains = { share.Gains },
        MoreGains = (uint)share.MoreGains,
    };

    private static PoolPlacement Of(PoolReport.Placement placement) => new()
    {
        Vm = placement.Vm,
        CanRunOn = { placement.CanRunOn },
        Obstacles = { placement.Obstacles.Select(Of) },
        Problem = placement.Problem ?? "",
    };

    private static PoolObstacle Of(PoolReport.Obstacle obstacle) => new()
    {
        Node = obstacle.Node,
        Read = { obstacle.Read },
        NeverRead = { obstacle.NeverRead },
        More = (uint)obstacle.More,
    };
}
