// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Persistence;
using KvmActors.Persistence.Events;

namespace KvmActors.Actors.Vcpu;

/// <summary>What <see cref="VcpuDecider"/> makes of a command.</summary>
public abstract record VcpuDecision
{
    private VcpuDecision()
    {
    }

    /// <summary>To be journaled in the vCPU's stream.</summary>
    public sealed record Accepted(ImmutableArray<JournalEvent> Events) : VcpuDecision;

    /// <summary>The VM is to be asked to move, since memory and devices are its own.</summary>
    public sealed record AskVmToMove(NodeId To) : VcpuDecision;

    public sealed record Refused(Refusal Why) : VcpuDecision;
}
