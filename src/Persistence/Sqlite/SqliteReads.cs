// SPDX-License-Identifier: Apache-2.0

using KvmActors.Persistence.Journal;
using KvmActors.Persistence.Ownership;

namespace KvmActors.Persistence.Sqlite;

/// <summary>Reads of the tables <c>stream</c> and <c>journal</c>.</summary>
internal static class SqliteReads
{
    private const string FindRow = $"SELECT {SqliteRows.StreamColumns} FROM stream WHERE stream_id = ?1";

    private const string FindRowsOfVm =
        $"SELECT {SqliteRows.StreamColumns} FROM stream WHERE vm_id = ?1 ORDER BY vcpu";

    private const string FindAllRows = $"SELECT {SqliteRows.StreamColumns} FROM stream ORDER BY vm_id, vcpu";

    private const string FindRecords =
        $"""
        SELECT {SqliteRows.JournalColumns} FROM journal
        WHERE stream_id = ?1 AND seq >= ?2 AND seq <= ?3 ORDER BY seq LIMIT ?4
        """;

    internal static StreamRow? Row(SqliteSession session, StreamId stream) =>
        session.Find(FindRow, SqliteRows.Stream, stream);

    internal static IReadOnlyList<StreamRow> Rows(SqliteSession session, VmId vm) =>
        session.Query(FindRowsOfVm, SqliteRows.Stream, vm);

    internal static IReadOnlyList<StreamRow> Rows(SqliteSession session) =>
        session.Query(FindAllRows, SqliteRows.Stream);

    /// <returns>At most <paramref name="recordsMax"/> records, and whether no row that cannot be read cut them
    /// short.</returns>
    internal static (List<JournalRecord> Rows, bool IsEnd) Records(
        SqliteSession session, StreamId stream, ulong fromSeq, ulong toSeq, int recordsMax) => session.QueryUntilFault(
        FindRecords,
        row => SqliteRows.Record(row, stream),
        stream,
        Math.Min(fromSeq, long.MaxValue),
        Math.Min(toSeq, long.MaxValue),
        recordsMax);
}
