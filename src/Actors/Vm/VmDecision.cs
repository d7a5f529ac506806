// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Persistence.Events;

namespace KvmActors.Actors.Vm;

/// <summary>What <see cref="VmDecider"/> makes of a command.</summary>
public abstract record VmDecision
{
    private VmDecision()
    {
    }

    /// <summary>To be journaled, then applied, then answered with <paramref name="Reply"/>.</summary>
    /// <param name="VmEvents">For the VM's stream, in order.</param>
    /// <param name="VcpuEvents">For the stream of every vCPU, in order.</param>
    public sealed record Accepted(
        ImmutableArray<JournalEvent> VmEvents, ImmutableArray<JournalEvent> VcpuEvents, string Reply) : VmDecision;

    public sealed record Refused(Refusal Why) : VmDecision;
}
