// SPDX-License-Identifier: Apache-2.0

using KvmActors.Persistence.Journal;
using KvmActors.Persistence.Membership;
using KvmActors.Persistence.Ownership;
using KvmActors.Persistence.Pages;
using KvmActors.Persistence.Snapshots;
using KvmActors.Persistence.Upkeep;

namespace KvmActors.Persistence.InMemory;

/// <summary>A store that lives as long as its object: for tests, simulation and single VMs that need no disk.</summary>
/// <remarks>Any thread. Every call completes before it returns, so on a simulated scheduler it takes no step. Leases
/// are measured by the given clock's <see cref="TimeProvider.GetTimestamp"/>.</remarks>
public sealed class InMemoryStore(TimeProvider time) : IStore
{
    /// <summary>The boot of which all nodes of such a store are.</summary>
    public const string BootId = "in-memory";

    private readonly Lock _gate = new();
    private readonly LeaseClock _clock = new(time);
    private readonly SortedDictionary<StreamId, StreamRow> _streams = [];
    private readonly Dictionary<StreamId, List<JournalRecord>> _journal = [];
    private readonly Dictionary<(StreamId, CommandId), DedupEntry> _dedup = [];
    private readonly Dictionary<VmId, List<SnapshotRecord>> _snapshots = [];
    private readonly Dictionary<Digest, byte[]> _pages = [];
    private readonly InMemoryNodeTable _nodes = new();
    private ulong _collections;

    public StoreRules Rules { get; init; } = StoreRules.Default;

    private MembershipSteps Membership => new(_nodes, BootId, _clock.NowMs);

    /// <summary>Copies what the store holds of VMs.</summary>
    public InMemoryStoreCopy Copy()
    {
        lock (_gate)
        {
            return new InMemoryStoreCopy(
                _streams.Values,
                _journal.Values.SelectMany(static records => records),
                _dedup.Values,
                _snapshots.Values.SelectMany(static snapshots => snapshots));
        }
    }

    /// <summary>Forgets what became durable of VMs since the copy was made, as a store does that is restored from it
    /// (crash point N8). Membership and pages stay.</summary>
    public void GoBackTo(InMemoryStoreCopy copy)
    {
        ArgumentNullException.ThrowIfNull(copy);
        lock (_gate)
        {
            _streams.Clear();
            _journal.Clear();
            _dedup.Clear();
            _snapshots.Clear();
            foreach (StreamRow row in copy.Rows)
            {
                _streams[row.Stream] = row;
                _journal[row.Stream] = [.. copy.Records.Where(record => record.Stream == row.Stream)];
            }

            foreach (DedupEntry reply in copy.Replies)
            {
                _dedup[(reply.Stream, reply.Command)] = reply;
            }

            foreach (IGrouping<VmId, SnapshotRecord> snapshots in copy.Snapshots.GroupBy(snapshot => snapshot.Vm))
            {
                _snapshots[snapshots.Key] = [.. snapshots];
            }
        }
    }

    public ValueTask<CommitResult> CommitAsync(StoreTransaction transaction, CancellationToken cancellationToken)
    {
        TransactionRules.Check(transaction);
        cancellationToken.ThrowIfCancellationRequested();
        lock (_gate)
        {
            CommitResult? refusal = Refuse(transaction);
            if (refusal is null)
            {
                Write(transaction);
            }

            return ValueTask.FromResult(refusal ?? new CommitResult.Committed());
        }
    }

    public IAsyncEnumerable<JournalRecord> ReadAsync(
        StreamId stream, ulong fromSeq, ulong toSeq, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            JournalRecord[] records = _journal.TryGetValue(stream, out List<JournalRecord>? all)
                ? [.. all.Where(record => record.Seq >= fromSeq && record.Seq <= toSeq)]
                : [];
            return records.ToAsyncEnumerable();
        }
    }

    public ValueTask<DedupEntry?> FindReplyAsync(
        StreamId stream, CommandId command, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            return ValueTask.FromResult(_dedup.GetValueOrDefault((stream, command)));
        }
    }

    public ValueTask<StreamRow?> FindAsync(StreamId stream, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            return ValueTask.FromResult(_streams.GetValueOrDefault(stream));
        }
    }

    public ValueTask<IReadOnlyList<StreamRow>> ReadLockedAsync(VmId vm, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            return ValueTask.FromResult<IReadOnlyList<StreamRow>>(
                [.. _streams.Values.Where(row => row.Stream.IsOf(vm))]);
        }
    }

    public ValueTask<IReadOnlyList<StreamRow>> ListAsync(CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            return ValueTask.FromResult<IReadOnlyList<StreamRow>>([.. _streams.Values]);
        }
    }

    public ValueTask<SnapshotRecord?> FindAsync(VmId vm, ulong vmTime, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            SnapshotRecord? found = _snapshots.TryGetValue(vm, out List<SnapshotRecord>? all)
                ? all.Where(snapshot => snapshot.VmTime <= vmTime).MaxBy(snapshot => (snapshot.VmTime, snapshot.Id))
                : null;
            return ValueTask.FromResult(found);
        }
    }

    public ValueTask<SnapshotRecord?> FindByIdAsync(VmId vm, ulong id, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            return ValueTask.FromResult(_snapshots.GetValueOrDefault(vm, []).Find(snapshot => snapshot.Id == id));
        }
    }

    public ValueTask<IReadOnlyList<SnapshotSummary>> ListSnapshotsAsync(VmId vm, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            IReadOnlyList<SnapshotSummary> summaries = _snapshots.TryGetValue(vm, out List<SnapshotRecord>? all)
                ? [.. all.OrderBy(snapshot => snapshot.Id).Select(s => new SnapshotSummary(s.Id, s.VmTime))]
                : [];
            return ValueTask.FromResult(summaries);
        }
    }

    public ValueTask<IReadOnlyList<Digest>> PutAsync(
        IReadOnlyList<ReadOnlyMemory<byte>> pages, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(pages);
        lock (_gate)
        {
            var digests = new List<Digest>(pages.Count);
            foreach (ReadOnlyMemory<byte> page in pages)
            {
                Digest digest = PageRules.DigestOf(page.Span);
                _pages.TryAdd(digest, page.ToArray());
                digests.Add(digest);
            }

            return ValueTask.FromResult<IReadOnlyList<Digest>>(digests);
        }
    }

    public ValueTask<ulong> CountCollectionsAsync(CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            return ValueTask.FromResult(_collections);
        }
    }

    public ValueTask<StoreStatistics> MeasureAsync(CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            return ValueTask.FromResult(InMemoryUpkeep.Measure(_streams.Keys, _journal, _snapshots, _pages));
        }
    }

    public ValueTask<CollectionReport> CollectAsync(
        SnapshotRetention? retention, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            _collections++;
            return ValueTask.FromResult(InMemoryUpkeep.Collect(retention, _snapshots, _pages));
        }
    }

    public ValueTask<CollectionReport> ForecastAsync(
        SnapshotRetention? retention, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            return ValueTask.FromResult(InMemoryUpkeep.Collect(
                retention,
                _snapshots.ToDictionary(of => of.Key, of => of.Value.ToList()),
                new Dictionary<Digest, byte[]>(_pages)));
        }
    }

    public ValueTask<CommitResult> DeleteAsync(
        IReadOnlyList<StreamRow> rows, DedupEntry reply, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(rows);
        ArgumentNullException.ThrowIfNull(reply);
        lock (_gate)
        {
            if (_dedup.GetValueOrDefault((reply.Stream, reply.Command)) is { } before)
            {
                return ValueTask.FromResult<CommitResult>(new CommitResult.Duplicate(before));
            }

            foreach (StreamRow row in rows)
            {
                StreamRow? current = _streams.GetValueOrDefault(row.Stream);
                if (Rules.Fence(new StreamWrite(row, row, []), current) is { } refusal)
                {
                    return ValueTask.FromResult(refusal);
                }
            }

            foreach (StreamId stream in rows.Select(row => row.Stream))
            {
                _streams.Remove(stream);
                _journal.Remove(stream);
                _snapshots.Remove(stream.Vm);
            }

            _dedup.Add((reply.Stream, reply.Command), reply with { Reply = reply.Reply.ToArray() });
            return ValueTask.FromResult<CommitResult>(new CommitResult.Committed());
        }
    }

    public ValueTask<IReadOnlyList<ReadOnlyMemory<byte>>> GetAsync(
        IReadOnlyList<Digest> digests, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(digests);
        lock (_gate)
        {
            IReadOnlyList<ReadOnlyMemory<byte>> pages =
                [.. digests.Select(digest =>
                    (ReadOnlyMemory<byte>)PageRules.Present(_pages.GetValueOrDefault(digest), digest))];
            return ValueTask.FromResult(pages);
        }
    }

    public ValueTask<RegisterResult> RegisterAsync(NodeRegistration node, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            return ValueTask.FromResult(Membership.Register(node));
        }
    }

    public ValueTask<bool> RenewAsync(NodeId node, TimeSpan lease, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            return ValueTask.FromResult(Membership.Renew(node, lease));
        }
    }

    public ValueTask<bool> DrainAsync(NodeId node, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            return ValueTask.FromResult(Membership.Drain(node));
        }
    }

    public ValueTask<bool> DeclareDeadAsync(
        NodeId node, DeathEvidence evidence, TimeSpan grace, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            return ValueTask.FromResult(Membership.DeclareDead(node, evidence, grace));
        }
    }

    public ValueTask LeaveAsync(NodeId node, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            Membership.Leave(node);
            return ValueTask.CompletedTask;
        }
    }

    public ValueTask<IReadOnlyList<NodeRow>> ListNodesAsync(CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            HashSet<NodeId> owners =
                [.. _streams.Values.Where(row => row.Owner is not null).Select(row => row.Owner!.Value)];
            return ValueTask.FromResult(_nodes.List(owners));
        }
    }

    public ValueTask<long> ReadLeaseClockAsync(CancellationToken cancellationToken) =>
        ValueTask.FromResult(_clock.NowMs);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private CommitResult? Refuse(StoreTransaction transaction)
    {
        DedupEntry? before = transaction.Dedup is { } dedup
            ? _dedup.GetValueOrDefault((dedup.Stream, dedup.Command))
            : null;
        foreach (StreamWrite write in transaction.Writes)
        {
            if (Rules.Fence(write, _streams.GetValueOrDefault(write.Next.Stream)) is { } refusal)
            {
                return refusal is CommitResult.AlreadyExists && before is not null
                    ? new CommitResult.Duplicate(before)
                    : refusal;
            }
        }

        if (transaction.Takeover is { } claim
            && Rules.Claim(
                claim,
                _nodes.Find(claim.Claimant)?.Row,
                claim.Dead is { } dead ? _nodes.Find(dead)?.Row : null,
                BootId,
                _clock.NowMs) is { } refused)
        {
            return refused;
        }

        return before is not null ? new CommitResult.Duplicate(before)
            : transaction is { Snapshot: { } snapshot } && transaction.PagesSince != _collections
                && snapshot.Pages.Any(page => !_pages.ContainsKey(page.Digest))
                ? new CommitResult.PagesGone(snapshot.Id)
                : null;
    }

    private void Write(StoreTransaction transaction)
    {
        foreach (StreamWrite write in transaction.Writes)
        {
            _streams[write.Next.Stream] = write.Next;
            if (!_journal.TryGetValue(write.Next.Stream, out List<JournalRecord>? records))
            {
                _journal[write.Next.Stream] = records = [];
            }

            // The caller keeps its buffer; the store keeps its own.
            records.AddRange(write.Records.Select(record => record with { Payload = record.Payload.ToArray() }));
        }

        if (transaction.Dedup is { } dedup)
        {
            _dedup.Add((dedup.Stream, dedup.Command), dedup with { Reply = dedup.Reply.ToArray() });
        }

        if (transaction.Snapshot is { } snapshot)
        {
            if (!_snapshots.TryGetValue(snapshot.Vm, out List<SnapshotRecord>? snapshots))
            {
                _snapshots[snapshot.Vm] = snapshots = [];
            }

            InMemoryUpkeep.Drop(transaction.Retention, [.. snapshots.Select(s => s.Id), snapshot.Id], snapshots);
            snapshots.Add(snapshot with { State = snapshot.State.ToArray(), Console = snapshot.Console.ToArray() });
        }
    }
}
