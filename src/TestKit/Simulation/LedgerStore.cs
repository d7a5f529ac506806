// SPDX-License-Identifier: Apache-2.0

using KvmActors.Persistence;
using KvmActors.Persistence.Journal;
using KvmActors.Persistence.Membership;
using KvmActors.Persistence.Ownership;
using KvmActors.Persistence.Snapshots;
using KvmActors.Persistence.Upkeep;

namespace KvmActors.TestKit.Simulation;

/// <summary>One node's way to the shared store: enters in the ledger what took effect, in this node's name.</summary>
internal sealed class LedgerStore(IStore inner, ClusterLedger ledger) : IStore
{
    private NodeId? _self;

    public async ValueTask<CommitResult> CommitAsync(StoreTransaction transaction, CancellationToken cancellationToken)
    {
        CommitResult result = await inner.CommitAsync(transaction, cancellationToken);
        if (result is CommitResult.Committed)
        {
            ledger.Enter(_self, transaction);
        }

        return result;
    }

    public async ValueTask<RegisterResult> RegisterAsync(NodeRegistration node, CancellationToken cancellationToken)
    {
        RegisterResult result = await inner.RegisterAsync(node, cancellationToken);
        if (result is RegisterResult.Registered registered)
        {
            _self = registered.Id;
        }

        return result;
    }

    public IAsyncEnumerable<JournalRecord> ReadAsync(
        StreamId stream, ulong fromSeq, ulong toSeq, CancellationToken cancellationToken) =>
        inner.ReadAsync(stream, fromSeq, toSeq, cancellationToken);

    public ValueTask<DedupEntry?> FindReplyAsync(
        StreamId stream, CommandId command, CancellationToken cancellationToken) =>
        inner.FindReplyAsync(stream, command, cancellationToken);

    public ValueTask<StreamRow?> FindAsync(StreamId stream, CancellationToken cancellationToken) =>
        inner.FindAsync(stream, cancellationToken);

    public ValueTask<IReadOnlyList<StreamRow>> ReadLockedAsync(VmId vm, CancellationToken cancellationToken) =>
        inner.ReadLockedAsync(vm, cancellationToken);

    public ValueTask<IReadOnlyList<StreamRow>> ListAsync(CancellationToken cancellationToken) =>
        inner.ListAsync(cancellationToken);

    public ValueTask<SnapshotRecord?> FindAsync(VmId vm, ulong vmTime, CancellationToken cancellationToken) =>
        inner.FindAsync(vm, vmTime, cancellationToken);

    public ValueTask<SnapshotRecord?> FindByIdAsync(VmId vm, ulong id, CancellationToken cancellationToken) =>
        inner.FindByIdAsync(vm, id, cancellationToken);

    public ValueTask<IReadOnlyList<SnapshotSummary>> ListSnapshotsAsync(VmId vm, CancellationToken cancellationToken) =>
        inner.ListSnapshotsAsync(vm, cancellationToken);

    public ValueTask<IReadOnlyList<Digest>> PutAsync(
        IReadOnlyList<ReadOnlyMemory<byte>> pages, CancellationToken cancellationToken) =>
        inner.PutAsync(pages, cancellationToken);

    public ValueTask<ulong> CountCollectionsAsync(CancellationToken cancellationToken) =>
        inner.CountCollectionsAsync(cancellationToken);

    public ValueTask<StoreStatistics> MeasureAsync(CancellationToken cancellationToken) =>
        inner.MeasureAsync(cancellationToken);

    public ValueTask<CollectionReport> CollectAsync(
        SnapshotRetention? retention, CancellationToken cancellationToken) =>
        inner.CollectAsync(retention, cancellationToken);

    public ValueTask<CollectionReport> ForecastAsync(
        SnapshotRetention? retention, CancellationToken cancellationToken) =>
        inner.ForecastAsync(retention, cancellationToken);

    public async ValueTask<CommitResult> DeleteAsync(
        IReadOnlyList<StreamRow> rows, CancellationToken cancellationToken)
    {
        CommitResult result = await inner.DeleteAsync(rows, cancellationToken);
        if (result is CommitResult.Committed)
        {
            ledger.Forget(rows);
        }

        return result;
    }

    public ValueTask<IReadOnlyList<ReadOnlyMemory<byte>>> GetAsync(
        IReadOnlyList<Digest> digests, CancellationToken cancellationToken) =>
        inner.GetAsync(digests, cancellationToken);

    public ValueTask<bool> RenewAsync(NodeId node, TimeSpan lease, CancellationToken cancellationToken) =>
        inner.RenewAsync(node, lease, cancellationToken);

    public ValueTask<bool> DrainAsync(NodeId node, CancellationToken cancellationToken) =>
        inner.DrainAsync(node, cancellationToken);

    public ValueTask<bool> DeclareDeadAsync(
        NodeId node, DeathEvidence evidence, TimeSpan grace, CancellationToken cancellationToken) =>
        inner.DeclareDeadAsync(node, evidence, grace, cancellationToken);

    public ValueTask LeaveAsync(NodeId node, CancellationToken cancellationToken) =>
        inner.LeaveAsync(node, cancellationToken);

    public ValueTask<IReadOnlyList<NodeRow>> ListNodesAsync(CancellationToken cancellationToken) =>
        inner.ListNodesAsync(cancellationToken);

    public ValueTask<long> ReadLeaseClockAsync(CancellationToken cancellationToken) =>
        inner.ReadLeaseClockAsync(cancellationToken);

    /// <summary>Leaves the store behind it open: others share it.</summary>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
