// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Actors.Cluster;
using KvmActors.Actors.Kernel;
using KvmActors.Actors.Migration;
using KvmActors.Machine;
using KvmActors.Persistence;

namespace KvmActors.Actors.Vm;

/// <summary>What a <see cref="VmHostActor"/> is sent.</summary>
internal abstract record VmHostMessage
{
    private VmHostMessage()
    {
    }

    /// <summary>Answered with a <see cref="ControlReply"/>.</summary>
    /// <param name="Request">To create a VM, or to restore one.</param>
    public sealed record Create(ControlRequest Request, VmId Vm, MachineSpec Spec) : VmHostMessage;

    /// <summary>For a VM this node runs; answered with <see cref="ControlReply.NotOwner"/> if it runs none of that
    /// name.
    /// </summary>
    public sealed record ToVm(VmId Vm, VmMessage Message) : VmHostMessage;

    /// <summary>From the source of a move. Answered with a <see cref="MigrationAnswer"/>.</summary>
    public sealed record Migrate(MigrationMessage Message) : VmHostMessage;

    /// <summary>The rows name this node as the owner: rebuild the VM.</summary>
    public sealed record Adopt(VmRows Rows, NodeId? From, long Since) : VmHostMessage
    {
        /// <summary>Of the guest; 0 where that is not known.</summary>
        public ulong MemoryBytes { get; init; }
    }

    /// <summary>Whether there is room for a guest. Answered with <see cref="Room"/>.</summary>
    public sealed record AskRoom(ulong MemoryBytes) : VmHostMessage;

    /// <param name="WhyNot">Null where there is.</param>
    public sealed record Room(Refusal? WhyNot) : VmHostMessage;

    /// <summary>All VMs whose rows name this node as the owner, as just read. One that runs nowhere here is rebuilt:
    /// the answer to its claim or hand-over was lost for good, or came after everybody had given up waiting.</summary>
    public sealed record Reconcile(ImmutableArray<VmRows> Owned) : VmHostMessage;

    /// <summary>A move ended here.</summary>
    public sealed record AdoptHandedOver(VmActorStart.HandedOver Start) : VmHostMessage;

    /// <summary>An actor's VM is not this node's any more, or never became it.</summary>
    public sealed record Released(VmId Vm, ActorRef Actor) : VmHostMessage;

    public sealed record GateOpened : VmHostMessage;

    /// <summary>Settle every guest and take no more. Answered with <see cref="Retired"/>.</summary>
    public sealed record Retire : VmHostMessage;

    public sealed record Retired : VmHostMessage;

    /// <summary>The store was away, or lost something of one VM: every VM looks whether the store still has all of it.
    /// </summary>
    public sealed record CheckTails : VmHostMessage;

    /// <summary>This node was declared dead: drop every guest. Answered with <see cref="Retired"/>.</summary>
    public sealed record DropAll : VmHostMessage;
}
