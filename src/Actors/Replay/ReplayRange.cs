// SPDX-License-Identifier: Apache-2.0

using KvmActors.Persistence;

namespace KvmActors.Actors.Replay;

/// <summary>Which part of a VM's life is replayed.</summary>
public sealed record ReplayRange
{
    /// <summary>From the first snapshot to the last event.</summary>
    public static ReplayRange All { get; } = new();

    /// <summary>Id of the stored snapshot to begin at; null for the first.</summary>
    public ulong? SnapshotId { get; init; }

    /// <summary>VM time to end at; null for the last event's.</summary>
    public ulong? UntilVmTime { get; init; }

    /// <summary>The event to end with, which is replayed too; null for the last.</summary>
    public (StreamId Stream, ulong Seq)? UntilEvent { get; init; }

    /// <summary>Whether the stored snapshots of the range are compared with the journal too.</summary>
    public bool ChecksSnapshots { get; init; }
}
