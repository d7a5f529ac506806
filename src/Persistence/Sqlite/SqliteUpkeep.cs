// SPDX-License-Identifier: Apache-2.0

using KvmActors.Persistence.Journal;
using KvmActors.Persistence.Ownership;
using KvmActors.Persistence.Snapshots;

namespace KvmActors.Persistence.Sqlite;

/// <summary>Snapshots that are dropped, and the count of collections (<c>meta</c>, key <c>page_collections</c>).
/// </summary>
internal static class SqliteUpkeep
{
    private const string ReadCollections = "SELECT value FROM meta WHERE key = 'page_collections'";

    private const string WriteCollections =
        "INSERT INTO meta(key, value) VALUES ('page_collections', ?1) "
        + "ON CONFLICT(key) DO UPDATE SET value = excluded.value";

    private const string FindIds = "SELECT id FROM snapshot WHERE vm_id = ?1 ORDER BY id";

    private const string FindVms = "SELECT DISTINCT vm_id FROM snapshot";

    private const string DropOne = "DELETE FROM snapshot WHERE vm_id = ?1 AND id = ?2";

    private static readonly string[] s_deleteStream =
    [
        "DELETE FROM journal WHERE stream_id = ?1",
        "DELETE FROM stream WHERE stream_id = ?1",
    ];

    private const string DropAllOf = "DELETE FROM snapshot WHERE vm_id = ?1";

    /// <summary>Removes a VM if its rows are as expected, and keeps the reply.</summary>
    internal static CommitResult Delete(
        SqliteSession session, IReadOnlyList<StreamRow> rows, DedupEntry reply, long wallNowMs)
    {
        if (!SqliteReplies.TryKeep(session, reply, wallNowMs))
        {
            return new CommitResult.Duplicate(SqliteReplies.Find(session, reply.Stream, reply.Command)!);
        }

        foreach (StreamRow row in rows)
        {
            StreamRow? current = SqliteReads.Row(session, row.Stream);
            if (FenceRules.Check(new StreamWrite(row, row, []), current) is { } refusal)
            {
                return refusal;
            }
        }

        foreach (StreamRow row in rows)
        {
            foreach (string sql in s_deleteStream)
            {
                session.Execute(sql, row.Stream);
            }

            session.Execute(DropAllOf, row.Stream.Vm);
        }

        return new CommitResult.Committed();
    }

    internal static ulong Collections(SqliteSession session) =>
        session.Scalar(ReadCollections) is long count ? (ulong)count : 0;

    /// <summary>From here on, a commit looks for the pages that were put before.</summary>
    internal static void CountCollection(SqliteSession session) =>
        session.Execute(WriteCollections, Collections(session) + 1);

    /// <returns>How many snapshots were dropped.</returns>
    internal static int Drop(SqliteSession session, VmId vm, SnapshotRetention? retention)
    {
        if (retention is null)
        {
            return 0;
        }

        List<ulong> ids = session.Query(FindIds, row => (ulong)row.GetInt64(0), vm);
        return retention.Dropped(ids).Sum(id => session.Execute(DropOne, vm, id));
    }

    internal static int DropAll(SqliteSession session, SnapshotRetention? retention) =>
        session.Query(FindVms, row => VmId.Parse(row.GetString(0))).Sum(vm => Drop(session, vm, retention));
}
