// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Cluster;
using KvmActors.Actors.Kernel;
using KvmActors.Actors.Migration;
using KvmActors.Persistence;

namespace KvmActors.Actors.Vm;

/// <summary>How a <see cref="VmActor"/> comes to its VM.</summary>
internal abstract record VmActorStart
{
    private VmActorStart()
    {
    }

    /// <param name="Request">To create a VM, or to restore one.</param>
    /// <param name="Client">Is told what came of it.</param>
    public sealed record Create(ControlRequest Request, ActorRef? Client) : VmActorStart;

    /// <summary>The rows name this node as the owner; the guest is in the store only.</summary>
    /// <param name="From">The dead node it was claimed from; null where this node's own actor failed.</param>
    /// <param name="Since">Timestamp of the clock at the claim.</param>
    public sealed record Rebuild(VmRows Rows, NodeId? From, long Since) : VmActorStart;

    /// <summary>A move ended here.</summary>
    /// <param name="Source">Is told as soon as the guest runs.</param>
    /// <param name="Answer">What it is told, but for the time from the commit on.</param>
    /// <param name="CommittedAt">Timestamp of the clock.</param>
    public sealed record HandedOver(
        VmSessionStart Session,
        ISliceRunner Runner,
        ActorRef? Source,
        MigrationAnswer.Accepted Answer,
        long CommittedAt) : VmActorStart;

    /// <summary>Its actor failed too often: out of service.</summary>
    public sealed record Quarantine(VmRows Rows, string Reason) : VmActorStart;
}
