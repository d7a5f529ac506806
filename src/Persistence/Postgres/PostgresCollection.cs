// SPDX-License-Identifier: Apache-2.0

using System.Data;
using KvmActors.Persistence.Snapshots;
using KvmActors.Persistence.Upkeep;
using Npgsql;

namespace KvmActors.Persistence.Postgres;

/// <summary>Deletes the pages that no snapshot names, beside nodes that put pages and commit snapshots.</summary>
/// <remarks>
/// All snapshots are read, outside of any write. Then pages are deleted in small commits, each of which first takes the
/// lock of pages, which commits of snapshots share, and then reads the snapshots that came since: those may name a page
/// that was to be deleted. Each also counts itself: a snapshot whose pages were put before it looks for each of them in
/// its own commit. So whichever is first, a snapshot's commit or the deletion of its page, the other sees it.
/// </remarks>
internal sealed class PostgresCollection(PostgresServer server)
{
    /// <summary>Pages deleted in one commit: some milliseconds.</summary>
    internal const int PagesPerCommit = 256;

    private const string Lock = $"SELECT pg_advisory_xact_lock({PostgresSchema.PagesKey})";

    private const string ReadCount =
        "SELECT coalesce(max(value::bigint), 0) FROM meta WHERE key = 'page_collections'";

    private const string Count =
        """
        INSERT INTO meta(key, value) VALUES ('page_collections', '1')
        ON CONFLICT (key) DO UPDATE SET value = (meta.value::bigint + 1)::text
        """;

    private const string DeletePages =
        "DELETE FROM page WHERE digest = ANY($1) RETURNING length(bytes)";

    private const string FindIds = "SELECT vm_id, id FROM snapshot ORDER BY vm_id, id";

    private const string DropSnapshots =
        "DELETE FROM snapshot p USING unnest($1, $2) AS x(vm, id) WHERE p.vm_id = x.vm AND p.id = x.id";

    internal static async Task<ulong> CollectionsAsync(PostgresSession session, CancellationToken cancellationToken) =>
        (ulong)(long)(await session.ScalarAsync(ReadCount, cancellationToken).ConfigureAwait(false))!;

    internal async Task<CollectionReport> RunAsync(SnapshotRetention? retention, CancellationToken cancellationToken)
    {
        int dropped = retention is null ? 0 : await server.RunUpkeepAsync(
            session => DropAsync(session, retention, cancellationToken), writes: true, cancellationToken)
            .ConfigureAwait(false);
        PageMarks marks = new();
        await server.RunUpkeepAsync(
            session => session.InTransactionAsync(
                IsolationLevel.RepeatableRead, () => marks.ReadAsync(session, cancellationToken), cancellationToken),
            writes: false,
            cancellationToken).ConfigureAwait(false);
        long pages = 0;
        long bytes = 0;
        foreach (PageMarks.StoredPage[] piece in marks.Garbage.Chunk(PagesPerCommit))
        {
            List<int> deleted = await server.RunUpkeepAsync(
                session => session.InTransactionAsync(
                    IsolationLevel.ReadCommitted,
                    () => DeleteAsync(session, marks, piece, cancellationToken),
                    cancellationToken),
                writes: true,
                cancellationToken).ConfigureAwait(false);
            pages += deleted.Count;
            bytes += deleted.Sum(length => (long)length);
        }

        return new CollectionReport(dropped, pages, bytes);
    }

    /// <summary>What a collection would delete now.</summary>
    internal async Task<CollectionReport> ForecastAsync(
        SnapshotRetention? retention, CancellationToken cancellationToken)
    {
        PageMarks marks = new();
        int dropped = await server.RunUpkeepAsync(
            session => session.InTransactionAsync(
                IsolationLevel.RepeatableRead,
                () => marks.ReadKeptAsync(session, retention, cancellationToken),
                cancellationToken),
            writes: false,
            cancellationToken).ConfigureAwait(false);
        return new CollectionReport(dropped, marks.Garbage.Count, marks.Garbage.Sum(page => page.Bytes));
    }

    private static async Task<List<int>> DeleteAsync(
        PostgresSession session, PageMarks marks, PageMarks.StoredPage[] piece, CancellationToken cancellationToken)
    {
        await session.ExecuteAsync(Lock, cancellationToken).ConfigureAwait(false);
        await session.ExecuteAsync(Count, cancellationToken).ConfigureAwait(false);
        await marks.ReadSnapshotsAsync(session, cancellationToken).ConfigureAwait(false);
        byte[][] garbage = [.. piece.Where(page => !marks.IsNamed(page)).Select(page => page.Digest)];
        return await session.QueryAsync(DeletePages, row => row.GetInt32(0), cancellationToken, (object)garbage)
            .ConfigureAwait(false);
    }

    private static async Task<int> DropAsync(
        PostgresSession session, SnapshotRetention retention, CancellationToken cancellationToken)
    {
        List<(string Vm, ulong Id)> all = await session.QueryAsync(
            FindIds, (NpgsqlDataReader row) => (row.GetString(0), (ulong)row.GetInt64(1)), cancellationToken)
            .ConfigureAwait(false);
        (string Vm, long Id)[] dropped =
        [
            .. all.GroupBy(snapshot => snapshot.Vm).SelectMany(vm =>
                retention.Dropped([.. vm.Select(snapshot => snapshot.Id)]).Select(id => (vm.Key, (long)id))),
        ];
        return await session.ExecuteAsync(
            DropSnapshots,
            cancellationToken,
            Array.ConvertAll(dropped, drop => drop.Vm),
            Array.ConvertAll(dropped, drop => drop.Id)).ConfigureAwait(false);
    }
}
