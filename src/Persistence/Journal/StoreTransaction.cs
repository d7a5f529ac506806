// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Persistence.Snapshots;

namespace KvmActors.Persistence.Journal;

/// <summary>All that one commit of a VM writes, atomically: append, creation, hand-over, abort and takeover are the
/// same shape. See <see cref="IJournal.CommitAsync"/>.</summary>
/// <param name="Writes">All streams of the VM, ordered by stream id, so that its rows move together.</param>
/// <param name="Takeover">Set where a dead node's VM is claimed.</param>
/// <param name="Dedup">The reply to the command that caused this, kept so that a retry is answered.</param>
/// <param name="Snapshot">A snapshot that becomes visible with this commit; its pages were stored before.</param>
public sealed record StoreTransaction(
    VmId Vm,
    ImmutableArray<StreamWrite> Writes,
    TakeoverClaim? Takeover = null,
    DedupEntry? Dedup = null,
    SnapshotRecord? Snapshot = null)
{
    /// <summary>Collections that the store had seen before the snapshot's pages were put. If there were more since,
    /// each page is looked for, so that a snapshot is never without one.</summary>
    public ulong PagesSince { get; init; }

    /// <summary>Which snapshots stay beside the new one, in the same commit; null: all.</summary>
    public SnapshotRetention? Retention { get; init; }
}

/// <summary>Checked in the same transaction: <paramref name="Dead"/> is declared dead (or null: nobody owned the VM)
/// and
/// <paramref name="Claimant"/> is active with an unexpired lease.</summary>
public sealed record TakeoverClaim(NodeId Claimant, NodeId? Dead);

/// <summary>The stored reply to a handled command.</summary>
public sealed record DedupEntry(StreamId Stream, CommandId Command, ReadOnlyMemory<byte> Reply);
