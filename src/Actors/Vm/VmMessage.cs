// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Vcpu;
using KvmActors.Persistence;
using KvmActors.Persistence.Membership;

namespace KvmActors.Actors.Vm;

/// <summary>What a <see cref="VmActor"/> is sent. Its own timers and piped results are private to it.</summary>
internal abstract record VmMessage
{
    private VmMessage()
    {
    }

    /// <summary>Answered with a <see cref="Cluster.ControlReply"/> once durable.</summary>
    public sealed record Order(CommandId Id, VmCommand Command) : VmMessage;

    /// <summary>Answered with a <see cref="Cluster.ControlReply"/> as soon as there is a byte, or after the
    /// wait.</summary>
    public sealed record ReadConsole(ulong Offset, int BytesMax, TimeSpan Wait) : VmMessage;

    /// <summary>For one of its vCPUs; the sender stays.</summary>
    public sealed record ToVcpu(int Index, VcpuMessage Message) : VmMessage;

    /// <summary>From a client, or from the vCPU that its client asked. Answered with a
    /// <see cref="Cluster.ControlReply"/> once the move is over.</summary>
    /// <param name="Stream">Where the reply is kept: the VM's own, or that of the vCPU.</param>
    public sealed record Move(CommandId Id, StreamId Stream, NodeRow Target) : VmMessage;

    /// <summary>The node's lease holds again.</summary>
    public sealed record GateOpened : VmMessage;

    /// <summary>The store was away, or lost something of another VM: look whether it still has all of this one.
    /// </summary>
    public sealed record CheckTail : VmMessage;

    /// <summary>This node was declared dead: the VM is another's, unless the store forgot that this node has it.
    /// </summary>
    public sealed record Drop : VmMessage;

    /// <summary>The node stops in order: settle, and end.</summary>
    public sealed record Retire : VmMessage;

    /// <summary>A step of a move, from <see cref="Migration.SourceMigration"/>. Answered with a
    /// <see cref="Migration.MoveStep"/>.</summary>
    public sealed record BeginMove(MigrationId Migration, NodeId To) : VmMessage;

    /// <summary>Begin a round of pre-copy: see which pages are to be copied.</summary>
    /// <param name="IsFirst">Every page that is not zero; else those written since the last round began.</param>
    public sealed record ListPages(bool IsFirst) : VmMessage;

    /// <summary>Copy the next pages of the round while the guest runs.</summary>
    public sealed record CopyPages : VmMessage;

    /// <summary>Let the guest stand still, and copy the pages that were listed and not copied, and what was written
    /// since.</summary>
    public sealed record Hold : VmMessage;

    /// <summary>Copy all but memory, and say where the journal will end once all that the guest did is durable.
    /// </summary>
    public sealed record CopyRest : VmMessage;

    /// <summary>Make all that the guest did durable, up to where it stands. Comes behind <see cref="CopyRest"/>.
    /// </summary>
    public sealed record MakeDurable : VmMessage;

    /// <summary>Give the move up that is under way. Answered with a <see cref="Cluster.ControlReply"/> once that is
    /// decided.</summary>
    public sealed record CancelMove(CommandId Id) : VmMessage;

    /// <summary>Give the move up. The guest runs again only once that is durable.</summary>
    public sealed record AbortMove(MigrationId Migration, string Reason) : VmMessage;
}
