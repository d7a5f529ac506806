// SPDX-License-Identifier: Apache-2.0

using KvmActors.Persistence;
using KvmActors.Persistence.Membership;

namespace KvmActors.Actors.Cluster;

/// <summary>What happened on a node. A closed union; <see cref="object.ToString"/> of a case is for people.</summary>
public abstract record ClusterEvent
{
    private ClusterEvent()
    {
    }

    public sealed record NodeJoined(NodeId Node) : ClusterEvent;

    /// <summary>This node could not renew in time: its guests stand still and nothing is answered until it
    /// can.</summary>
    public sealed record LeaseLost(NodeId Node) : ClusterEvent;

    /// <summary>This node takes no VM any more, and gives away those that it owns.</summary>
    public sealed record NodeDrains(NodeId Node, int Vms) : ClusterEvent;

    public sealed record LeaseRegained(NodeId Node) : ClusterEvent;

    /// <summary>Peers declared this node dead: it must end.</summary>
    public sealed record DeclaredDead(NodeId Node) : ClusterEvent;

    public sealed record PeerDead(NodeId Peer, DeathEvidence Evidence) : ClusterEvent;

    /// <param name="From">The dead owner; null where nobody owned it, after a quarantine.</param>
    public sealed record VmClaimed(VmId Vm, NodeId? From, Epoch Epoch) : ClusterEvent;

    /// <summary>No live node can host the VM, whose CPUID table asks for more than any offers; or this one has no room
    /// for it.</summary>
    public sealed record VmUnclaimable(VmId Vm, string Reason) : ClusterEvent;

    public sealed record VmRebuilt(VmId Vm, Epoch Epoch, ulong VmTime, int EventsReplayed, TimeSpan Took)
        : ClusterEvent;

    public sealed record VmQuarantined(VmId Vm, string Reason) : ClusterEvent;

    /// <summary>Another node has the VM: this one dropped its copy.</summary>
    public sealed record VmFenced(VmId Vm, Epoch Offered) : ClusterEvent;

    public sealed record VmFailed(VmId Vm, string Reason) : ClusterEvent;

    public sealed record MigrationPhaseEnded(MigrationId Migration, VmId Vm, string Phase, TimeSpan Took)
        : ClusterEvent;

    public sealed record MigrationEnded(MigrationId Migration, VmId Vm, string Outcome) : ClusterEvent;

    /// <summary>The store did not answer; the work is tried again.</summary>
    public sealed record StoreTrouble(string What, string Reason) : ClusterEvent;
}
