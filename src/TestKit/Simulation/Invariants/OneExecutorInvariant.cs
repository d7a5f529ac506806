// SPDX-License-Identifier: Apache-2.0

using KvmActors.Persistence;

namespace KvmActors.TestKit.Simulation.Invariants;

/// <summary>I6: at any instant at most one node runs a guest: its owner, while the store holds its lease.</summary>
internal sealed class OneExecutorInvariant(ClusterLedger ledger, TimeProvider time)
    : Invariant("I6", "only the owner of a VM runs its guest, while the store holds its lease")
{
    public override void OnGuestRun(NodeId node, VmId vm)
    {
        // A VM whose deletion got no answer may run on here until its next commit.
        if (ledger.Row(vm.Stream) is { } row && row.Owner != node)
        {
            Break($"{node} ran {vm}, which {row.Owner?.Value ?? "nobody"} owns.");
        }

        var now = TimeSpan.FromTicks(time.GetTimestamp());
        if (ledger.LeaseUntil(node) is not { } until || now > until)
        {
            Break($"{node} ran {vm} at {now}, and its lease held until {ledger.LeaseUntil(node)}.");
        }
    }
}
