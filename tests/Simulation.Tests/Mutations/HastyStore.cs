// SPDX-License-Identifier: Apache-2.0

using KvmActors.Persistence;
using KvmActors.Persistence.Membership;
using KvmActors.TestKit.Simulation;

namespace KvmActors.Simulation.Tests.Mutations;

/// <summary>Does not wait for renewals after an outage: a lease that is over is over.</summary>
internal sealed class HastyStore(SimulatedCluster cluster, IStore inner) : DelegatingStore(inner)
{
    public override ValueTask<bool> DeclareDeadAsync(
        NodeId node, DeathEvidence evidence, TimeSpan grace, CancellationToken cancellationToken)
    {
        bool isOver = cluster.Ledger.LeaseUntil(node) is { } until && cluster.World.Time.Elapsed > until + grace;

        // The ledger behind hears of the lease, and the store gets the one proof that it takes without a look.
        return Inner.DeclareDeadAsync(node, isOver ? DeathEvidence.FileLockHeld : evidence, grace, cancellationToken);
    }
}
