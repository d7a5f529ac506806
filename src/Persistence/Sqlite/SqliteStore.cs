// SPDX-License-Identifier: Apache-2.0

using System.Runtime.CompilerServices;
using KvmActors.Persistence.Journal;
using KvmActors.Persistence.Membership;
using KvmActors.Persistence.Ownership;
using KvmActors.Persistence.Pages;
using KvmActors.Persistence.Snapshots;
using KvmActors.Persistence.Upkeep;

namespace KvmActors.Persistence.Sqlite;

/// <summary>A store in one SQLite file (WAL), which several node processes of one machine share.</summary>
/// <remarks>Any thread. Writes are grouped by one writer thread a process; the processes take turns by a lock on
/// <c>FILE.writer</c>. Reads go by connections of their own and see the last commit. Nothing blocks the caller's
/// thread. The file's folder must be on a local disk: SQLite's WAL and flock need one kernel.</remarks>
public sealed class SqliteStore : IStore
{
    /// <summary>Pages of one commit: 1 MiB, so that a snapshot does not hold up appends.</summary>
    internal const int PagesPerCommit = (1 << 20) / PageRules.PageBytes;

    private const int RecordsPerRead = 512;

    private readonly SqliteFile _file;
    private readonly SqliteReaders _readers;
    private readonly SqliteWriter? _writer;
    private readonly TimeProvider _time;
    private readonly LeaseClock _clock;
    private readonly string _bootId;

    private SqliteStore(SqliteFile file, SqliteWriter? writer, string bootId, TimeProvider time)
    {
        _file = file;
        _readers = new SqliteReaders(file);
        _writer = writer;
        _bootId = bootId;
        _time = time;
        _clock = new LeaseClock(time);
    }

    /// <summary>Groups committed so far; far fewer than transactions where many actors write.</summary>
    public long GroupsCommitted => _writer?.Groups ?? 0;

    /// <summary>Opens the store in a file, or creates it where there is none.</summary>
    /// <param name="time">Measures leases (by its timestamp) and tells the age of replies (by its wall clock).</param>
    /// <exception cref="StoreOpenException">The file cannot be opened, is no store, or is of another
    /// version.</exception>
    /// <exception cref="StoreUnavailableException">Another process holds the turn to write for too long.</exception>
    public static async Task<SqliteStore> OpenAsync(
        string path, SqliteStoreOptions options, TimeProvider time, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        string fullPath = Path.GetFullPath(path);
        if (!Directory.Exists(Path.GetDirectoryName(fullPath)))
        {
            throw new StoreOpenException(
                $"Expected the folder of the store {fullPath}, found none. Create it, or name another path.");
        }

        string bootId = options.BootId ?? LeaseClock.ReadBootId();
        var file = new SqliteFile(fullPath, options.Synchronous);
        SqliteWriter writer;
        try
        {
            writer = new SqliteWriter(file, options);
        }
        catch (IOException fault)
        {
            throw new StoreOpenException(
                $"Expected to open {fullPath}.writer, found: {fault.Message} Check the rights on the folder.", fault);
        }

        try
        {
            long oldest = time.GetUtcNow().Subtract(SqliteReplies.KeptFor).ToUnixTimeMilliseconds();
            await writer.RunAsync(
                WriteLane.Commit, session => (SqliteReplies.Prune(session, oldest), true), cancellationToken)
                .ConfigureAwait(false);
            return new SqliteStore(file, writer, bootId, time);
        }
        catch
        {
            writer.Dispose();
            throw;
        }
    }

    /// <summary>Opens a store only to read: also one that no node has open, and also beside running nodes.</summary>
    /// <remarks>Writing to it throws <see cref="InvalidOperationException"/>.</remarks>
    /// <exception cref="StoreOpenException">The file is missing, is no store, or is of another version.</exception>
    public static async Task<SqliteStore> OpenReadOnlyAsync(string path, CancellationToken cancellationToken = default)
    {
        var file = new SqliteFile(Path.GetFullPath(path), SqliteSynchronous.Normal);
        var store = new SqliteStore(file, writer: null, bootId: string.Empty, TimeProvider.System);
        await store._readers.OpenFirstAsync().WaitAsync(cancellationToken).ConfigureAwait(false);
        return store;
    }

    public ValueTask<CommitResult> CommitAsync(StoreTransaction transaction, CancellationToken cancellationToken)
    {
        TransactionRules.Check(transaction);
        return WriteAsync(
            WriteLane.Commit,
            session =>
            {
                long wallNowMs = _time.GetUtcNow().ToUnixTimeMilliseconds();
                CommitResult result =
                    new SqliteTransaction(session, _bootId, _clock.NowMs, wallNowMs).Apply(transaction);
                return (result, result is CommitResult.Committed);
            },
            cancellationToken);
    }

    public async IAsyncEnumerable<JournalRecord> ReadAsync(
        StreamId stream, ulong fromSeq, ulong toSeq, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        // In pieces: a reader that is slow must not hold a read transaction open, which would keep the WAL from
        // shrinking. The next piece is read while this one is used.
        using var left = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task<(List<JournalRecord> Rows, bool IsEnd)>? ahead =
            fromSeq <= toSeq ? ReadPieceAsync(stream, fromSeq, toSeq, left.Token) : null;
        try
        {
            while (ahead is not null)
            {
                (List<JournalRecord> piece, bool isWhole) = await ahead.ConfigureAwait(false);
                bool isLast = piece.Count == 0 || piece[^1].Seq >= toSeq || (isWhole && piece.Count < RecordsPerRead);
                ahead = isLast ? null : ReadPieceAsync(stream, piece[^1].Seq + 1, toSeq, left.Token);
                foreach (JournalRecord record in piece)
                {
                    yield return record;
                }
            }
        }
        finally
        {
            if (ahead is not null)
            {
                // Whoever reads no further is told of no fault further on.
                await left.CancelAsync().ConfigureAwait(false);
                await ((Task)ahead).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    public ValueTask<DedupEntry?> FindReplyAsync(
        StreamId stream, CommandId command, CancellationToken cancellationToken) =>
        _readers.RunAsync(session => SqliteReplies.Find(session, stream, command), cancellationToken);

    public ValueTask<StreamRow?> FindAsync(StreamId stream, CancellationToken cancellationToken) =>
        _readers.RunAsync(session => SqliteReads.Row(session, stream), cancellationToken);

    public ValueTask<IReadOnlyList<StreamRow>> ReadLockedAsync(VmId vm, CancellationToken cancellationToken) =>
        WriteAsync(WriteLane.Commit, session => (SqliteReads.Rows(session, vm), false), cancellationToken);

    public ValueTask<IReadOnlyList<StreamRow>> ListAsync(CancellationToken cancellationToken) =>
        _readers.RunAsync(SqliteReads.Rows, cancellationToken);

    public ValueTask<SnapshotRecord?> FindAsync(VmId vm, ulong vmTime, CancellationToken cancellationToken) =>
        _readers.RunAsync(session => SqliteSnapshots.Find(session, vm, vmTime), cancellationToken);

    public ValueTask<SnapshotRecord?> FindByIdAsync(VmId vm, ulong id, CancellationToken cancellationToken) =>
        _readers.RunAsync(session => SqliteSnapshots.FindById(session, vm, id), cancellationToken);

    public ValueTask<IReadOnlyList<SnapshotSummary>> ListSnapshotsAsync(VmId vm, CancellationToken cancellationToken) =>
        _readers.RunAsync(session => SqliteSnapshots.List(session, vm), cancellationToken);

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

        IReadOnlyList<Digest> missing = await _readers.RunAsync(
            session => SqlitePages.Missing(session, contents.Keys), cancellationToken).ConfigureAwait(false);
        foreach (Digest[] piece in missing.Chunk(PagesPerCommit))
        {
            PackedPage[] packed = await Task.Run(
                () => piece.Select(digest => PackedPage.Pack(digest, contents[digest].Span)).ToArray(),
                cancellationToken)
                .ConfigureAwait(false);
            await WriteAsync(
                WriteLane.Pages, session => (SqlitePages.Insert(session, packed), true), cancellationToken)
                .ConfigureAwait(false);
        }

        return digests;
    }

    public ValueTask<ulong> CountCollectionsAsync(CancellationToken cancellationToken) =>
        _readers.RunAsync(SqliteUpkeep.Collections, cancellationToken);

    public ValueTask<StoreStatistics> MeasureAsync(CancellationToken cancellationToken) =>
        _readers.RunAsync(session => SqliteStatistics.Measure(session, _file.Path), cancellationToken);

    public ValueTask<CollectionReport> CollectAsync(
        SnapshotRetention? retention, CancellationToken cancellationToken) =>
        new SqliteCollection(
            (read, stop) => _readers.RunAsync(read, stop),
            (write, stop) => WriteAsync(WriteLane.Pages, session => (write(session), true), stop))
            .RunAsync(retention, cancellationToken);

    public ValueTask<CollectionReport> ForecastAsync(
        SnapshotRetention? retention, CancellationToken cancellationToken) =>
        _readers.RunAsync(session => SqliteCollection.Forecast(session, retention), cancellationToken);

    public ValueTask<CommitResult> DeleteAsync(
        IReadOnlyList<StreamRow> rows, DedupEntry reply, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(rows);
        ArgumentNullException.ThrowIfNull(reply);
        return WriteAsync(
            WriteLane.Commit,
            session =>
            {
                long wallNowMs = _time.GetUtcNow().ToUnixTimeMilliseconds();
                CommitResult result = SqliteUpkeep.Delete(session, rows, reply, wallNowMs);
                return (result, result is CommitResult.Committed);
            },
            cancellationToken);
    }

    public ValueTask<IReadOnlyList<ReadOnlyMemory<byte>>> GetAsync(
        IReadOnlyList<Digest> digests, CancellationToken cancellationToken) =>
        _readers.RunAsync(session => SqlitePages.Read(session, digests), cancellationToken);

    public ValueTask<RegisterResult> RegisterAsync(NodeRegistration node, CancellationToken cancellationToken) =>
        StepAsync(steps => steps.Register(node), cancellationToken);

    public ValueTask<bool> RenewAsync(NodeId node, TimeSpan lease, CancellationToken cancellationToken) =>
        StepAsync(steps => steps.Renew(node, lease), cancellationToken);

    public ValueTask<bool> DrainAsync(NodeId node, CancellationToken cancellationToken) =>
        StepAsync(steps => steps.Drain(node), cancellationToken);

    public ValueTask<bool> DeclareDeadAsync(
        NodeId node, DeathEvidence evidence, TimeSpan grace, CancellationToken cancellationToken) =>
        StepAsync(steps => steps.DeclareDead(node, evidence, grace), cancellationToken);

    public async ValueTask LeaveAsync(NodeId node, CancellationToken cancellationToken) =>
        await StepAsync(steps => steps.Leave(node), cancellationToken).ConfigureAwait(false);

    public ValueTask<IReadOnlyList<NodeRow>> ListNodesAsync(CancellationToken cancellationToken) =>
        _readers.RunAsync(session => new SqliteNodeTable(session).List(), cancellationToken);

    public ValueTask<long> ReadLeaseClockAsync(CancellationToken cancellationToken) =>
        ValueTask.FromResult(_clock.NowMs);

    /// <summary>Finishes what waits, and closes the file.</summary>
    public async ValueTask DisposeAsync()
    {
        // Readers first: the last connection to close moves the WAL into the file, which one that only reads cannot.
        _readers.Dispose();
        if (_writer is not null)
        {
            await Task.Run(_writer.Dispose).ConfigureAwait(false);
        }
    }

    private Task<(List<JournalRecord> Rows, bool IsEnd)> ReadPieceAsync(
        StreamId stream, ulong fromSeq, ulong toSeq, CancellationToken cancellationToken) => _readers.RunAsync(
        session => SqliteReads.Records(session, stream, fromSeq, toSeq, RecordsPerRead), cancellationToken).AsTask();

    private ValueTask<T> StepAsync<T>(Func<MembershipSteps, T> step, CancellationToken cancellationToken) => WriteAsync(
        WriteLane.Membership,
        session => (step(new MembershipSteps(new SqliteNodeTable(session), _bootId, _clock.NowMs)), true),
        cancellationToken);

    private ValueTask<T> WriteAsync<T>(
        WriteLane lane, Func<SqliteSession, (T Result, bool Keep)> work, CancellationToken cancellationToken) =>
        _writer?.RunAsync(lane, work, cancellationToken)
        ?? throw new InvalidOperationException(
            $"The store {_file.Path} was opened only to read. Open it with {nameof(OpenAsync)} to write.");
}
