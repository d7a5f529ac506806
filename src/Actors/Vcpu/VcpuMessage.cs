// SPDX-License-Identifier: Apache-2.0

using KvmActors.Persistence;
using KvmActors.Persistence.Membership;

namespace KvmActors.Actors.Vcpu;

/// <summary>What a <see cref="VcpuActor"/> is sent.</summary>
internal abstract record VcpuMessage
{
    private VcpuMessage()
    {
    }

    /// <summary>Answered with a <see cref="Cluster.ControlReply"/> once the move is over.</summary>
    public sealed record Migrate(CommandId Id, NodeRow Target) : VcpuMessage;

    /// <summary>What its stream says now: sent by the VM, which commits all streams of a slice together.</summary>
    public sealed record Journaled(VcpuActorState State) : VcpuMessage;
}
