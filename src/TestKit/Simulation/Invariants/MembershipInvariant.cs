// SPDX-License-Identifier: Apache-2.0

using KvmActors.Persistence;
using KvmActors.Persistence.Membership;

namespace KvmActors.TestKit.Simulation.Invariants;

/// <summary>I12: dead nodes stay dead, ids are never used again, and nobody dies without a reason: a process that is
/// gone, or a lease that ran out while the store could be reached.</summary>
internal sealed class MembershipInvariant(SimulatedCluster cluster)
    : Invariant("I12", "who is dead stays dead, and nobody is declared dead without a reason")
{
    // A renewal that was on its way may come in so late into an outage.
    private static readonly TimeSpan s_late = TimeSpan.FromMilliseconds(300);

    // Stores count leases in whole milliseconds, and give none that has begun.
    private static readonly TimeSpan s_storeCounts = TimeSpan.FromMilliseconds(1);

    private readonly HashSet<NodeId> _joined = [];

    public override void OnJoined(NodeId node)
    {
        if (!_joined.Add(node))
        {
            Break($"{node} joined twice.");
        }
    }

    public override void OnRenewed(NodeId node)
    {
        if (cluster.Ledger.IsDead(node))
        {
            Break($"{node} renewed its lease, and is dead.");
        }
    }

    public override void OnDied(NodeId node, DeathEvidence? evidence)
    {
        if (evidence == DeathEvidence.FileLockHeld)
        {
            if (cluster.IsProcessAlive(node))
            {
                Break($"{node} was declared dead by its file lock, and its process lives.");
            }

            return;
        }

        TimeSpan now = cluster.World.Time.Elapsed;
        if (cluster.Ledger.LeaseUntil(node) is { } until && now < until - s_storeCounts)
        {
            Break($"{node} was declared dead at {now}, and its lease holds until {until}.");
        }

        TimeSpan lease = cluster.Ledger.LeaseOf(node) ?? TimeSpan.Zero;
        bool wasAway = cluster.LastOutage is { } outage
            && outage.Length > (lease / 2) + s_late
            && now - outage.End < lease;
        if (evidence == DeathEvidence.LeaseExpired && wasAway)
        {
            Break($"{node} was declared dead at {now}, and the store was away until {cluster.LastOutage!.Value.End}.");
        }
    }
}
