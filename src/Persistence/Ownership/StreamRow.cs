// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Persistence.Ownership;

/// <summary>The fence row of one stream: who owns it, under which epoch, and where its journal ends.</summary>
/// <param name="Owner">Null while nobody owns it.</param>
/// <param name="HeadSeq">Sequence of the last record; 0 for none. The first record is 1.</param>
/// <param name="HeadHash">Hash of that record; <see cref="Digest.Zero"/> for none.</param>
/// <param name="SnapshotId">The latest snapshot of the VM; snapshot ids start at 0, taken at VM time 0.</param>
/// <param name="Migration">Set while <see cref="State"/> is Moving.</param>
/// <param name="Target">Set while <see cref="State"/> is Moving.</param>
/// <param name="FailCount">Activations in a row that failed; the base of the backoff.</param>
/// <param name="OutputReleased">Console bytes that were given to clients: a lower bound, saved with later
/// appends.</param>
public sealed record StreamRow(
    StreamId Stream,
    NodeId? Owner,
    Epoch Epoch,
    StreamRowState State,
    ulong HeadSeq,
    Digest HeadHash,
    ulong SnapshotId,
    MigrationId? Migration,
    NodeId? Target,
    int FailCount,
    ulong OutputReleased);
