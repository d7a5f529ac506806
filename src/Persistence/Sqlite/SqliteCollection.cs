// SPDX-License-Identifier: Apache-2.0

using KvmActors.Persistence.Snapshots;
using KvmActors.Persistence.Upkeep;

namespace KvmActors.Persistence.Sqlite;

/// <summary>Deletes the pages that no snapshot names, beside nodes that put pages and commit snapshots.</summary>
/// <remarks>
/// All snapshots are read, outside of any write. Then pages are deleted in small commits, each of which first reads the
/// snapshots that came since: those may name a page that was to be deleted. Each also counts itself: a snapshot whose
/// pages were put before it looks for each of them in its own commit. So whichever is first, a snapshot's commit or the
/// deletion of its page, the other sees it, for commits come one after the other.
/// </remarks>
internal sealed class SqliteCollection(
    Func<Func<SqliteSession, SqliteCollection.Marks>, CancellationToken, ValueTask<SqliteCollection.Marks>> read,
    Func<Func<SqliteSession, SqliteCollection.Step>, CancellationToken, ValueTask<SqliteCollection.Step>> write)
{
    /// <summary>Pages deleted in one commit: some milliseconds.</summary>
    internal const int PagesPerCommit = 256;

    private const string FindSnapshots = "SELECT vm_id, id, vm_time FROM snapshot";

    private const string FindIndex = "SELECT page_index FROM snapshot WHERE vm_id = ?1 AND id = ?2";

    private const string FindPages = "SELECT digest, length(bytes) FROM page";

    private const string DeletePage = "DELETE FROM page WHERE digest = ?1";

    internal readonly record struct SnapshotKey(string Vm, long Id, long VmTime);

    internal readonly record struct StoredPage(byte[] Digest, long Bytes);

    /// <summary>What is known to be named by which snapshots, and what may be deleted.</summary>
    internal sealed class Marks
    {
        internal HashSet<SnapshotKey> Snapshots { get; } = [];

        internal HashSet<PageKey> Named { get; } = [];

        internal List<StoredPage> Garbage { get; private set; } = [];

        internal long References { get; private set; }

        internal static List<SnapshotKey> Keys(SqliteSession session) => session.Query(FindSnapshots, Key);

        internal static Marks Read(SqliteSession session) => Read(session, []);

        /// <param name="dropped">Snapshots whose pages do not count.</param>
        internal static Marks Read(SqliteSession session, HashSet<SnapshotKey> dropped)
        {
            Marks marks = new();
            marks.Snapshots.UnionWith(dropped);
            marks.ReadSnapshots(session);
            marks.Garbage = [.. session.Query(FindPages, Page).Where(page => !marks.IsNamed(page))];
            return marks;
        }

        /// <summary>Reads those that came since the last call.</summary>
        internal void ReadSnapshots(SqliteSession session)
        {
            foreach (SnapshotKey snapshot in session.Query(FindSnapshots, Key).Where(Snapshots.Add))
            {
                if (session.Find(FindIndex, row => row.GetBytes(0), snapshot.Vm, snapshot.Id)
                    is not { } index)
                {
                    // Dropped since the list was read.
                    continue;
                }

                ReadOnlySpan<byte> digests = PageIndexCodec.DecodeDigests(index).Span;
                References += digests.Length / Digest.SizeBytes;
                for (int at = 0; at < digests.Length; at += Digest.SizeBytes)
                {
                    Named.Add(PageKey.Of(digests[at..]));
                }
            }
        }

        internal bool IsNamed(StoredPage page) => Named.Contains(PageKey.Of(page.Digest));

        private static SnapshotKey Key(SqliteRow row) => new(row.GetString(0), row.GetInt64(1), row.GetInt64(2));

        private static StoredPage Page(SqliteRow row) =>
            new(row.GetBytes(0), row.GetInt64(1));
    }

    internal readonly record struct Step(long Count, long Bytes);

    /// <summary>What a collection would delete now.</summary>
    internal static CollectionReport Forecast(SqliteSession session, SnapshotRetention? retention)
    {
        HashSet<SnapshotKey> dropped = [];
        foreach (IGrouping<string, SnapshotKey> vm in Marks.Keys(session).GroupBy(key => key.Vm))
        {
            HashSet<ulong> ids =
                [.. retention?.Dropped([.. vm.Select(key => (ulong)key.Id).Order()]) ?? []];
            dropped.UnionWith(vm.Where(key => ids.Contains((ulong)key.Id)));
        }

        List<StoredPage> garbage = Marks.Read(session, dropped).Garbage;
        return new CollectionReport(dropped.Count, garbage.Count, garbage.Sum(page => page.Bytes));
    }

    internal async ValueTask<CollectionReport> RunAsync(
        SnapshotRetention? retention, CancellationToken cancellationToken)
    {
        Step begun = await write(
            session => new Step(SqliteUpkeep.DropAll(session, retention), Bytes: 0), cancellationToken)
            .ConfigureAwait(false);
        Marks marks = await read(Marks.Read, cancellationToken).ConfigureAwait(false);
        long pages = 0;
        long bytes = 0;
        foreach (StoredPage[] piece in marks.Garbage.Chunk(PagesPerCommit))
        {
            Step step = await write(session => Delete(session, marks, piece), cancellationToken).ConfigureAwait(false);
            pages += step.Count;
            bytes += step.Bytes;
        }

        return new CollectionReport(begun.Count, pages, bytes);
    }

    private static Step Delete(SqliteSession session, Marks marks, StoredPage[] piece)
    {
        SqliteUpkeep.CountCollection(session);
        marks.ReadSnapshots(session);
        StoredPage[] garbage = [.. piece.Where(page => !marks.IsNamed(page))];
        return new Step(
            garbage.Sum(page => (long)session.Execute(DeletePage, page.Digest)),
            garbage.Sum(page => page.Bytes));
    }
}
