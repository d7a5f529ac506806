// SPDX-License-Identifier: Apache-2.0

using KvmActors.Persistence;
using KvmActors.Persistence.Membership;
using KvmActors.TestKit.Simulation;

namespace KvmActors.Simulation.Tests.Mutations;

/// <summary>Who has not renewed for 1.2 s is shown as dead.</summary>
internal sealed class SuspiciousStore(SimulatedCluster cluster, IStore inner) : DelegatingStore(inner)
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(1.2);

    public override async ValueTask<IReadOnlyList<NodeRow>> ListNodesAsync(CancellationToken cancellationToken) =>
        [.. (await Inner.ListNodesAsync(cancellationToken)).Select(Suspect)];

    private NodeRow Suspect(NodeRow node)
    {
        TimeSpan renewed = (cluster.Ledger.LeaseUntil(node.Id) - cluster.Ledger.LeaseOf(node.Id)) ?? TimeSpan.MaxValue;
        return cluster.World.Time.Elapsed - renewed > s_patience ? node with { Status = NodeStatus.Dead } : node;
    }
}
