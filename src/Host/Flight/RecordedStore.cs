// SPDX-License-Identifier: Apache-2.0

using System.Diagnostics;
using System.Globalization;
using KvmActors.Persistence;
using KvmActors.Persistence.Journal;
using KvmActors.Persistence.Membership;
using KvmActors.Persistence.Ownership;
using KvmActors.Persistence.Snapshots;
using KvmActors.Persistence.Upkeep;

namespace KvmActors.Host.Flight;

/// <summary>Records what a node writes to its store, and what became of it. Reads pass by.</summary>
internal sealed class RecordedStore(IStore inner, FlightRecorder recorder) : IStore
{
    private static readonly TimeSpan s_slow = TimeSpan.FromMilliseconds(200);

    public async ValueTask<CommitResult> CommitAsync(StoreTransaction transaction, CancellationToken cancellationToken)
    {
        long begun = Stopwatch.GetTimestamp();
        try
        {
            CommitResult result = await inner.CommitAsync(transaction, cancellationToken).ConfigureAwait(false);
            recorder.Record($"{Of(transaction)}: {Of(result)} {Since(begun)}");
            return result;
        }
        catch (StoreUnavailableException fault)
        {
            recorder.Record($"{Of(transaction)}: {fault.Outcome} {Since(begun)}: {fault.Message}");
            throw;
        }
        catch (Exception fault) when (fault is not OperationCanceledException)
        {
            recorder.Record($"{Of(transaction)}: {fault.GetType().Name} {Since(begun)}: {fault.Message}");
            throw;
        }
    }

    public async ValueTask<bool> RenewAsync(NodeId node, TimeSpan lease, CancellationToken cancellationToken)
    {
        long begun = Stopwatch.GetTimestamp();
        try
        {
            bool isAlive = await inner.RenewAsync(node, lease, cancellationToken).ConfigureAwait(false);
            if (!isAlive || Stopwatch.GetElapsedTime(begun) > s_slow)
            {
                recorder.Record($"renewal: {(isAlive ? "done" : "refused, this node is dead")} {Since(begun)}");
            }

            return isAlive;
        }
        catch (StoreUnavailableException fault)
        {
            recorder.Record($"renewal: none {Since(begun)}: {fault.Message}");
            throw;
        }
    }

    public async ValueTask<bool> DeclareDeadAsync(
        NodeId node, DeathEvidence evidence, TimeSpan grace, CancellationToken cancellationToken)
    {
        bool isDead = await inner.DeclareDeadAsync(node, evidence, grace, cancellationToken).ConfigureAwait(false);
        recorder.Record($"declare {node} dead by {evidence}: {(isDead ? "done" : "refused")}");
        return isDead;
    }

    public async ValueTask<RegisterResult> RegisterAsync(NodeRegistration node, CancellationToken cancellationToken)
    {
        RegisterResult result = await inner.RegisterAsync(node, cancellationToken).ConfigureAwait(false);
        recorder.Record(result switch
        {
            RegisterResult.Registered registered => $"registered as {registered.Id} at {node.Endpoint}",
            RegisterResult.NameTaken taken => $"name taken by {taken.Holder.Id}, process {taken.Holder.ProcessId}",
            _ => result.GetType().Name,
        });
        return result;
    }

    public async ValueTask<IReadOnlyList<StreamRow>> ReadLockedAsync(VmId vm, CancellationToken cancellationToken)
    {
        IReadOnlyList<StreamRow> rows = await inner.ReadLockedAsync(vm, cancellationToken).ConfigureAwait(false);
        recorder.Record(rows.Count == 0
            ? $"rows of {vm} under lock: none"
            : $"rows of {vm} under lock: owner {rows[0].Owner} epoch {rows[0].Epoch.Value} {rows[0].State} "
                + $"head {rows[0].HeadSeq}");
        return rows;
    }

    public async ValueTask<CommitResult> DeleteAsync(
        IReadOnlyList<StreamRow> rows, DedupEntry reply, CancellationToken cancellationToken)
    {
        CommitResult result = await inner.DeleteAsync(rows, reply, cancellationToken).ConfigureAwait(false);
        recorder.Record($"delete {rows[0].Stream}: {Of(result)}");
        return result;
    }

    public ValueTask<bool> DrainAsync(NodeId node, CancellationToken cancellationToken) =>
        inner.DrainAsync(node, cancellationToken);

    public ValueTask LeaveAsync(NodeId node, CancellationToken cancellationToken)
    {
        recorder.Record($"{node} leaves");
        return inner.LeaveAsync(node, cancellationToken);
    }

    public ValueTask<IReadOnlyList<NodeRow>> ListNodesAsync(CancellationToken cancellationToken) =>
        inner.ListNodesAsync(cancellationToken);

    public ValueTask<long> ReadLeaseClockAsync(CancellationToken cancellationToken) =>
        inner.ReadLeaseClockAsync(cancellationToken);

    public IAsyncEnumerable<JournalRecord> ReadAsync(
        StreamId stream, ulong fromSeq, ulong toSeq, CancellationToken cancellationToken) =>
        inner.ReadAsync(stream, fromSeq, toSeq, cancellationToken);

    public ValueTask<DedupEntry?> FindReplyAsync(
        StreamId stream, CommandId command, CancellationToken cancellationToken) =>
        inner.FindReplyAsync(stream, command, cancellationToken);

    public ValueTask<StreamRow?> FindAsync(StreamId stream, CancellationToken cancellationToken) =>
        inner.FindAsync(stream, cancellationToken);

    public ValueTask<IReadOnlyList<StreamRow>> ListAsync(CancellationToken cancellationToken) =>
        inner.ListAsync(cancellationToken);

    public ValueTask<SnapshotRecord?> FindAsync(VmId vm, ulong vmTime, CancellationToken cancellationToken) =>
        inner.FindAsync(vm, vmTime, cancellationToken);

    public ValueTask<SnapshotRecord?> FindByIdAsync(VmId vm, ulong id, CancellationToken cancellationToken) =>
        inner.FindByIdAsync(vm, id, cancellationToken);

    public ValueTask<IReadOnlyList<SnapshotSummary>> ListSnapshotsAsync(
        VmId vm, CancellationToken cancellationToken) => inner.ListSnapshotsAsync(vm, cancellationToken);

    public ValueTask<IReadOnlyList<Digest>> PutAsync(
        IReadOnlyList<ReadOnlyMemory<byte>> pages, CancellationToken cancellationToken) =>
        inner.PutAsync(pages, cancellationToken);

    public ValueTask<ulong> CountCollectionsAsync(CancellationToken cancellationToken) =>
        inner.CountCollectionsAsync(cancellationToken);

    public ValueTask<IReadOnlyList<ReadOnlyMemory<byte>>> GetAsync(
        IReadOnlyList<Digest> digests, CancellationToken cancellationToken) =>
        inner.GetAsync(digests, cancellationToken);

    public ValueTask<StoreStatistics> MeasureAsync(CancellationToken cancellationToken) =>
        inner.MeasureAsync(cancellationToken);

    public ValueTask<CollectionReport> CollectAsync(
        SnapshotRetention? retention, CancellationToken cancellationToken) =>
        inner.CollectAsync(retention, cancellationToken);

    public ValueTask<CollectionReport> ForecastAsync(
        SnapshotRetention? retention, CancellationToken cancellationToken) =>
        inner.ForecastAsync(retention, cancellationToken);

    public ValueTask DisposeAsync() => inner.DisposeAsync();

    private static string Of(StoreTransaction transaction)
    {
        StreamWrite first = transaction.Writes[0];
        int records = transaction.Writes.Sum(write => write.Records.Length);
        string what = transaction.Takeover is { } takeover ? $" takeover from {takeover.Dead}" : "";
        string snapshot = transaction.Snapshot is { } taken ? $" snapshot {taken.Id}" : "";
        string reply = transaction.Dedup is { } dedup
            ? $" reply to {dedup.Command.Client}/{dedup.Command.Command}"
            : "";
        return string.Create(
            CultureInfo.InvariantCulture,
            $"commit {transaction.Vm} epoch {first.Next.Epoch.Value} {first.Next.State} head {first.Next.HeadSeq} "
            + $"records {records}{what}{snapshot}{reply}");
    }

    private static string Of(CommitResult result) => result switch
    {
        CommitResult.Committed => "committed",
        CommitResult.Fenced fenced => $"fenced, epoch {fenced.Current.Epoch.Value} of {fenced.Current.Owner} holds",
        CommitResult.Mismatch mismatch =>
            $"mismatch, head {mismatch.Current.HeadSeq} {mismatch.Current.State} {mismatch.Current.Migration}",
        CommitResult.ClaimRefused refused => $"refused: {refused.Reason}",
        _ => result.GetType().Name,
    };

    private static string Since(long begun) => string.Create(
        CultureInfo.InvariantCulture, $"{Stopwatch.GetElapsedTime(begun).TotalMilliseconds:0.0} ms");
}
