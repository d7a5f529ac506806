// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Cluster;

namespace KvmActors.TestKit.Simulation.Invariants;

/// <summary>No actor of a VM fails: the simulation breaks links, stores and processes, and none of that is a bug of an
/// actor. What would be one ends in a failure, from which supervision may recover unseen.</summary>
internal sealed class ActorsLiveInvariant() : Invariant("I0", "no actor of a VM fails")
{
    public override void OnEvent(string node, ClusterEvent happened)
    {
        if (happened is ClusterEvent.VmFailed failed)
        {
            Break($"{failed.Vm} on {node}: {failed.Reason}");
        }
    }
}
