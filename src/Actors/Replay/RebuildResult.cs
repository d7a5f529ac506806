// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Actors.Vcpu;
using KvmActors.Actors.Vm;
using KvmActors.Persistence;
using KvmActors.Persistence.Snapshots;

namespace KvmActors.Actors.Replay;

/// <summary>What came of a rebuild.</summary>
public abstract record RebuildResult
{
    private RebuildResult()
    {
    }

    /// <param name="Guest">Stands at the last journaled event; the caller owns it.</param>
    /// <param name="Console">Everything the guest put out up to there, as far as it is kept. All of it may be released:
    /// the journal holds what caused it.</param>
    /// <param name="SnapshotPages">The stored pages at the snapshot; the guest's dirty log tells what changed
    /// since.</param>
    public sealed record Rebuilt(
        IGuest Guest,
        VmState State,
        ImmutableArray<VcpuActorState> Vcpus,
        ConsoleLog Console,
        ImmutableArray<PageReference> SnapshotPages,
        ulong SnapshotVmTime,
        int EventsReplayed) : RebuildResult
    {
        /// <inheritdoc cref="VmHistory.Birth"/>
        public Digest Birth { get; init; }
    }

    /// <summary>The journal cannot be replayed: the VM must be quarantined.</summary>
    public sealed record Failed(string Reason, Divergence? Divergence) : RebuildResult;
}
