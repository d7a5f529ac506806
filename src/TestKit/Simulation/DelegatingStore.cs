// SPDX-License-Identifier: Apache-2.0

using KvmActors.Persistence;
using KvmActors.Persistence.Journal;
using KvmActors.Persistence.Membership;
using KvmActors.Persistence.Ownership;
using KvmActors.Persistence.Snapshots;
using KvmActors.Persistence.Upkeep;

namespace KvmActors.TestKit.Simulation;

/// <summary>Hands every call on to another store: base of those that change a few.</summary>
public abstract class DelegatingStore(IStore inner) : IStore
{
    /// <summary>The store behind this one.</summary>
    protected IStore Inner => inner;

    public virtual ValueTask<CommitResult> CommitAsync(
        StoreTransaction transaction, CancellationToken cancellationToken) =>
        inner.CommitAsync(transaction, cancellationToken);

    public virtual ValueTask<RegisterResult> RegisterAsync(
        NodeRegistration node, CancellationToken cancellationToken) =>
        inner.RegisterAsync(node, cancellationToken);

    public virtual IAsyncEnumerable<JournalRecord> ReadAsync(
        StreamId stream, ulong fromSeq, ulong toSeq, CancellationToken cancellationToken) =>
        inner.ReadAsync(stream, fromSeq, toSeq, cancellationToken);

    public virtual ValueTask<DedupEntry?> FindReplyAsync(
        StreamId stream, CommandId command, CancellationToken cancellationToken) =>
        inner.FindReplyAsync(stream, command, cancellationToken);

    public virtual ValueTask<StreamRow?> FindAsync(StreamId stream, CancellationToken cancellationToken) =>
        inner.FindAsync(stream, cancellationToken);

    public virtual ValueTask<IReadOnlyList<StreamRow>> ReadLockedAsync(VmId vm, CancellationToken cancellationToken) =>
        inner.ReadLockedAsync(vm, cancellationToken);

    public virtual ValueTask<IReadOnlyList<StreamRow>> ListAsync(CancellationToken cancellationToken) =>
        inner.ListAsync(cancellationToken);

    public virtual ValueTask<SnapshotRecord?> FindAsync(VmId vm, ulong vmTime, CancellationToken cancellationToken) =>
        inner.FindAsync(vm, vmTime, cancellationToken);

    public virtual ValueTask<SnapshotRecord?> FindByIdAsync(VmId vm, ulong id, CancellationToken cancellationToken) =>
        inner.FindByIdAsync(vm, id, cancellationToken);

    public virtual ValueTask<IReadOnlyList<SnapshotSummary>> ListSnapshotsAsync(
        VmId vm, CancellationToken cancellationToken) =>
        inner.ListSnapshotsAsync(vm, cancellationToken);

    public virtual ValueTask<IReadOnlyList<Digest>> PutAsync(
        IReadOnlyList<ReadOnlyMemory<byte>> pages, CancellationToken cancellationToken) =>
        inner.PutAsync(pages, cancellationToken);

    public virtual ValueTask<ulong> CountCollectionsAsync(CancellationToken cancellationToken) =>
        inner.CountCollectionsAsync(cancellationToken);

    public virtual ValueTask<StoreStatistics> MeasureAsync(CancellationToken cancellationToken) =>
        inner.MeasureAsync(cancellationToken);

    public virtual ValueTask<CollectionReport> CollectAsync(
        SnapshotRetention? retention, CancellationToken cancellationToken) =>
        inner.CollectAsync(retention, cancellationToken);

    public virtual ValueTask<CollectionReport> ForecastAsync(
        SnapshotRetention? retention, CancellationToken cancellationToken) =>
        inner.ForecastAsync(retention, cancellationToken);

    public virtual ValueTask<CommitResult> DeleteAsync(
        IReadOnlyList<StreamRow> rows, DedupEntry reply, CancellationToken cancellationToken) =>
        inner.DeleteAsync(rows, reply, cancellationToken);

    public virtual ValueTask<IReadOnlyList<ReadOnlyMemory<byte>>> GetAsync(
        IReadOnlyList<Digest> digests, CancellationToken cancellationToken) =>
        inner.GetAsync(digests, cancellationToken);

    public virtual ValueTask<bool> RenewAsync(NodeId node, TimeSpan lease, CancellationToken cancellationToken) =>
        inner.RenewAsync(node, lease, cancellationToken);

    public virtual ValueTask<bool> DrainAsync(NodeId node, CancellationToken cancellationToken) =>
        inner.DrainAsync(node, cancellationToken);

    public virtual ValueTask<bool> DeclareDeadAsync(
        NodeId node, DeathEvidence evidence, TimeSpan grace, CancellationToken cancellationToken) =>
        inner.DeclareDeadAsync(node, evidence, grace, cancellationToken);

    public virtual ValueTask LeaveAsync(NodeId node, CancellationToken cancellationToken) =>
        inner.LeaveAsync(node, cancellationToken);

    public virtual ValueTask<IReadOnlyList<NodeRow>> ListNodesAsync(CancellationToken cancellationToken) =>
        inner.ListNodesAsync(cancellationToken);

    public virtual ValueTask<long> ReadLeaseClockAsync(CancellationToken cancellationToken) =>
        inner.ReadLeaseClockAsync(cancellationToken);

    /// <summary>Leaves the store behind it open: others share it.</summary>
    public ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return ValueTask.CompletedTask;
    }
}
