// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Actors.Migration;
using KvmActors.Actors.Vm;
using KvmActors.Persistence;

namespace KvmActors.Actors.Cluster;

/// <summary>The answer to a <see cref="ControlRequest"/>. A closed union.</summary>
public abstract record ControlReply
{
    private ControlReply()
    {
    }

    /// <param name="Text">One sentence for a person.</param>
    public sealed record Done(string Text) : ControlReply;

    /// <summary>The snapshot is in the store.</summary>
    /// <param name="Node">That ran the VM.</param>
    public sealed record SnapshotTaken(VmId Vm, ulong Id, ulong VmTime, NodeId Node) : ControlReply;

    public sealed record Migrated(MigrationReport Report) : ControlReply;

    /// <param name="Missing">All that stands against the move; empty where nothing does.</param>
    public sealed record MoveChecked(VmId Vm, NodeId From, NodeId To, ImmutableArray<Refusal> Missing) : ControlReply;

    public sealed record Draining(DrainStatus Status) : ControlReply;

    public sealed record Shown(VmStatus Status) : ControlReply;

    public sealed record Listed(ImmutableArray<VmStatus> Vms) : ControlReply
    {
        /// <summary>Guest memory that the asked node takes in all; 0 where that is not known.</summary>
        public ulong MemoryBytesMax { get; init; }
    }

    /// <param name="Offset">Number of the first byte, counted from the VM's creation.</param>
    /// <param name="IsComplete">The guest has ended and there is nothing behind these bytes.</param>
    public sealed record ConsoleRead(ulong Offset, ReadOnlyMemory<byte> Bytes, bool IsComplete) : ControlReply;

    public sealed record Refused(Refusal Why) : ControlReply;

    /// <summary>The asked node does not run the VM. Stays inside the cluster: the node that the client talks to looks
    /// for the owner and asks there.</summary>
    /// <param name="Owner">As far as the asked node knows.</param>
    public sealed record NotOwner(VmId Vm, NodeId? Owner, Epoch Epoch) : ControlReply;
}
