// SPDX-License-Identifier: Apache-2.0

using System.Data;
using System.Runtime.CompilerServices;
using KvmActors.Persistence.Journal;
using KvmActors.Persistence.Membership;
using KvmActors.Persistence.Ownership;
using KvmActors.Persistence.Pages;
using KvmActors.Persistence.Snapshots;
using KvmActors.Persistence.Upkeep;

namespace KvmActors.Persistence.Postgres;

/// <summary>A store in a schema of a PostgreSQL database, which nodes of many machines share.</summary>
/// <remarks>Any thread. Commits are grouped, a group is one statement, and it is durable when it is acknowledged
/// (synchronous_commit). Leases are measured by the server's clock. Nothing blocks the caller's thread. A server that
/// is away is <see cref="StoreUnavailableException"/>; connections come back by themselves.</remarks>
public sealed class PostgresStore : IStore
{
    private const int RecordsPerRead = 512;

    /// <summary>A client that retries after longer finds its command not handled. Pruned when a node opens the
    /// store.</summary>
    private static readonly TimeSpan s_repliesKeptFor = TimeSpan.FromHours(24);

    private readonly PostgresServer _server;
    private readonly PostgresWriter? _writer;
    private readonly PostgresMembership _members;

    private PostgresStore(PostgresServer server, PostgresStoreOptions options, bool readOnly)
    {
        _server = server;
        _writer = readOnly ? null : new PostgresWriter(server, options);
        _members = new PostgresMembership(server, options.ClockName);
    }

    /// <summary>Groups committed so far; far fewer than transactions where many actors write.</summary>
    public long GroupsCommitted => _writer?.Groups ?? 0;

    /// <summary>Opens a store, or creates its schema and tables where there are none.</summary>
    /// <exception cref="StoreOpenException">The server cannot be reached, the schema is another program's or of
    /// another version, or the server may lose what it acknowledged.</exception>
    public static async Task<PostgresStore> OpenAsync(
        PostgresAddress address, PostgresStoreOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(address);
        ArgumentNullException.ThrowIfNull(options);
        PostgresServer server = new(address, options, readOnly: false);
        await OpenAsync(
            server,
            async session =>
            {
                await PostgresOpening.CreateOrCheckAsync(session, address, cancellationToken).ConfigureAwait(false);
                return await PostgresOpening.PruneAsync(
                    session, server.WallClockParameter, s_repliesKeptFor, cancellationToken).ConfigureAwait(false);
            },
            cancellationToken).ConfigureAwait(false);
        return new PostgresStore(server, options, readOnly: false);
    }

    /// <summary>Opens a store only to read, also beside running nodes.</summary>
    /// <remarks>Writing to it throws <see cref="InvalidOperationException"/>.</remarks>
    /// <exception cref="StoreOpenException">The server cannot be reached, or there is no store of this
    /// version.</exception>
    public static async Task<PostgresStore> OpenReadOnlyAsync(
        PostgresAddress address, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(address);
        PostgresStoreOptions options = new();
        PostgresServer server = new(address, options, readOnly: true);
        await OpenAsync(
            server,
            async session =>
            {
                await PostgresOpening.CheckAsync(session, address, cancellationToken).ConfigureAwait(false);
                return 0;
            },
            cancellationToken).ConfigureAwait(false);
        return new PostgresStore(server, options, readOnly: true);
    }

    public ValueTask<CommitResult> CommitAsync(StoreTransaction transaction, CancellationToken cancellationToken)
    {
        TransactionRules.Check(transaction);
        return (_writer ?? throw OnlyRead()).CommitAsync(transaction, cancellationToken);
    }

    public async IAsyncEnumerable<JournalRecord> ReadAsync(
        StreamId stream, ulong fromSeq, ulong toSeq, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        // In pieces: a reader that is slow must not keep a connection for itself.
        ulong next = fromSeq;
        while (next <= toSeq)
        {
            (List<JournalRecord> piece, bool isWhole) = await ReadAsync(
                session => PostgresReads.RecordsAsync(
                    session, stream, next, toSeq, RecordsPerRead, cancellationToken),
                cancellationToken).ConfigureAwait(false);
            foreach (JournalRecord record in piece)
            {
                yield return record;
            }

            if (isWhole && piece.Count < RecordsPerRead)
            {
                yield break;
            }

            next = piece[^1].Seq + 1;
        }
    }

    public async ValueTask<DedupEntry?> FindReplyAsync(
        StreamId stream, CommandId command, CancellationToken cancellationToken) => await ReadAsync(
        session => PostgresReads.ReplyAsync(session, stream, command, cancellationToken), cancellationToken)
        .ConfigureAwait(false);

    public async ValueTask<StreamRow?> FindAsync(StreamId stream, CancellationToken cancellationToken) =>
        await ReadAsync(session => PostgresReads.RowAsync(session, stream, cancellationToken), cancellationToken)
            .ConfigureAwait(false);

    public async ValueTask<IReadOnlyList<StreamRow>> ReadLockedAsync(VmId vm, CancellationToken cancellationToken) =>
        await WriteAsync(session => PostgresReads.LockedRowsAsync(session, vm, cancellationToken), cancellationToken)
            .ConfigureAwait(false);

    public async ValueTask<IReadOnlyList<StreamRow>> ListAsync(CancellationToken cancellationToken) =>
        await ReadAsync(session => PostgresReads.RowsAsync(session, cancellationToken), cancellationToken)
            .ConfigureAwait(false);

    public async ValueTask<SnapshotRecord?> FindAsync(VmId vm, ulong vmTime, CancellationToken cancellationToken) =>
        await ReadAsync(
            session => PostgresSnapshots.FindAsync(session, vm, vmTime, cancellationToken), cancellationToken)
            .ConfigureAwait(false);

    public async ValueTask<SnapshotRecord?> FindByIdAsync(VmId vm, ulong id, CancellationToken cancellationToken) =>
        await ReadAsync(
            session => PostgresSnapshots.FindByIdAsync(session, vm, id, cancellationToken), cancellationToken)
            .ConfigureAwait(false);

    public async ValueTask<IReadOnlyList<SnapshotSummary>> ListSnapshotsAsync(
        VmId vm, CancellationToken cancellationToken) => await ReadAsync(
        session => PostgresSnapshots.ListAsync(session, vm, cancellationToken), cancellationToken)
        .ConfigureAwait(false);

    public async ValueTask<IReadOnlyList<Digest>> PutAsync(
        IReadOnlyList<ReadOnlyMemory<byte>> pages, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(pages);
        Digest[] digests = await Task.Run(
            () => pages.Select(page => PageRules.DigestOf(page.Span)).ToArray(),
            cancellationToken).ConfigureAwait(false);
        Dictionary<Digest, ReadOnlyMemory<byte>> contents = [];
        for (int i = 0; i < digests.Length; i++)
        {
            contents.TryAdd(digests[i], pages[i]);
        }

        IReadOnlyList<Digest> missing = await ReadAsync(
            session => PostgresPages.MissingAsync(session, contents.Keys, cancellationToken), cancellationToken)
            .ConfigureAwait(false);
        foreach (Digest[] piece in missing.Chunk(PostgresPages.PagesPerStatement))
        {
            PackedPage[] packed = await Task.Run(
                () => piece.Select(digest => PackedPage.Pack(digest, contents[digest].Span)).ToArray(),
                cancellationToken)
                .ConfigureAwait(false);
            await WriteAsync(
                session => PostgresPages.InsertAsync(session, packed, cancellationToken), cancellationToken)
                .ConfigureAwait(false);
        }

        return digests;
    }

    public async ValueTask<ulong> CountCollectionsAsync(CancellationToken cancellationToken) => await ReadAsync(
        session => PostgresCollection.CollectionsAsync(session, cancellationToken), cancellationToken)
        .ConfigureAwait(false);

    public async ValueTask<IReadOnlyList<ReadOnlyMemory<byte>>> GetAsync(
        IReadOnlyList<Digest> digests, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(digests);
        return await ReadAsync(
            session => PostgresPages.ReadAsync(session, digests, cancellationToken), cancellationToken)
            .ConfigureAwait(false);
    }

    public async ValueTask<StoreStatistics> MeasureAsync(CancellationToken cancellationToken) =>
        await _server.RunUpkeepAsync(
            session => session.InTransactionAsync(
                IsolationLevel.RepeatableRead,
                () => PostgresStatistics.MeasureAsync(session, cancellationToken),
                cancellationToken),
            writes: false,
            cancellationToken).ConfigureAwait(false);

    public async ValueTask<CollectionReport> CollectAsync(
        SnapshotRetention? retention, CancellationToken cancellationToken) => _writer is null
        ? throw OnlyRead()
        : await new PostgresCollection(_server).RunAsync(retention, cancellationToken).ConfigureAwait(false);

    public async ValueTask<CollectionReport> ForecastAsync(
        SnapshotRetention? retention, CancellationToken cancellationToken) =>
        await new PostgresCollection(_server).ForecastAsync(retention, cancellationToken).ConfigureAwait(false);

    public async ValueTask<CommitResult> DeleteAsync(
        IReadOnlyList<StreamRow> rows, DedupEntry reply, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(rows);
        ArgumentNullException.ThrowIfNull(reply);
        return _writer is null
            ? throw OnlyRead()
            : await _server.RunUpkeepAsync(
                session => PostgresDeletion.RunAsync(
                    session, rows, reply, _server.WallClockParameter, cancellationToken),
                writes: true,
                cancellationToken).ConfigureAwait(false);
    }

    public ValueTask<RegisterResult> RegisterAsync(NodeRegistration node, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(node);
        return StepAsync(node: null, node.Name, steps => steps.Register(node), cancellationToken);
    }

    public ValueTask<bool> RenewAsync(NodeId node, TimeSpan lease, CancellationToken cancellationToken) =>
        StepAsync(node, name: null, steps => steps.Renew(node, lease), cancellationToken);

    public ValueTask<bool> DrainAsync(NodeId node, CancellationToken cancellationToken) =>
        StepAsync(node, name: null, steps => steps.Drain(node), cancellationToken);

    public ValueTask<bool> DeclareDeadAsync(
        NodeId node, DeathEvidence evidence, TimeSpan grace, CancellationToken cancellationToken) =>
        StepAsync(node, name: null, steps => steps.DeclareDead(node, evidence, grace), cancellationToken);

    public async ValueTask LeaveAsync(NodeId node, CancellationToken cancellationToken) =>
        await StepAsync(node, name: null, steps => steps.Leave(node), cancellationToken).ConfigureAwait(false);

    public async ValueTask<IReadOnlyList<NodeRow>> ListNodesAsync(CancellationToken cancellationToken) =>
        await ReadAsync(session => PostgresMembership.ListAsync(session, cancellationToken), cancellationToken)
            .ConfigureAwait(false);

    public async ValueTask<long> ReadLeaseClockAsync(CancellationToken cancellationToken) => await ReadAsync(
        session => PostgresMembership.ClockAsync(session, _server.ClockParameter, cancellationToken),
        cancellationToken).ConfigureAwait(false);

    /// <summary>Finishes what waits, and closes the connections.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_writer is not null)
        {
            await _writer.DisposeAsync().ConfigureAwait(false);
        }

        await _server.DisposeAsync().ConfigureAwait(false);
    }

    private static async Task OpenAsync(
        PostgresServer server, Func<PostgresSession, Task<int>> open, CancellationToken cancellationToken)
    {
        try
        {
            await server.RunUpkeepAsync(open, writes: false, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception fault)
        {
            await server.DisposeAsync().ConfigureAwait(false);
            if (fault is StoreUnavailableException { InnerException: { } inner })
            {
                throw PostgresFault.AtOpening(inner, server.Address);
            }

            throw;
        }
    }

    private ValueTask<T> StepAsync<T>(
        NodeId? node, string? name, Func<MembershipSteps, T> step, CancellationToken cancellationToken) =>
        _writer is null
            ? throw OnlyRead()
            : new ValueTask<T>(_members.StepAsync(node, name, step, cancellationToken));

    private Task<T> ReadAsync<T>(Func<PostgresSession, Task<T>> read, CancellationToken cancellationToken) =>
        _server.RunAsync(read, writes: false, cancellationToken);

    private Task<T> WriteAsync<T>(Func<PostgresSession, Task<T>> write, CancellationToken cancellationToken) =>
        _writer is null ? throw OnlyRead() : _server.RunAsync(write, writes: true, cancellationToken);

    private InvalidOperationException OnlyRead() => new(
        $"The store {_server.Address} was opened only to read. Open it with {nameof(OpenAsync)} to write.");
}
