// SPDX-License-Identifier: Apache-2.0

using KvmActors.Persistence;
using KvmActors.TestKit.Simulation;

namespace KvmActors.Simulation.Tests.Mutations;

/// <summary>Tells a node that was declared dead that its lease is renewed.</summary>
internal sealed class RevivingStore(SimulatedCluster cluster, IStore inner) : DelegatingStore(inner)
{
    public override async ValueTask<bool> RenewAsync(
        NodeId node, TimeSpan lease, CancellationToken cancellationToken) =>
        await Inner.RenewAsync(node, lease, cancellationToken) || cluster.Ledger.IsDead(node);
}
