// SPDX-License-Identifier: Apache-2.0

using KvmActors.Persistence.Journal;
using KvmActors.Persistence.Ownership;

namespace KvmActors.Persistence.Postgres;

/// <summary>Reads of the tables <c>stream</c>, <c>journal</c> and <c>dedup</c>.</summary>
internal static class PostgresReads
{
    private const string FindRow = $"SELECT {PostgresRows.StreamColumns} FROM stream WHERE stream_id = $1";

    // The name's lock waits for a creation that is under way, whose rows nobody can lock yet; each statement sees what
    // was committed before it.
    private const string LockName =
        "SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || '/vm/' || $1, 0))";

    // By stream id, as every commit locks them.
    private const string LockRows =
        $"SELECT {PostgresRows.StreamColumns} FROM stream WHERE vm_id = $1 ORDER BY stream_id FOR UPDATE";

    private const string FindAllRows =
        $"SELECT {PostgresRows.StreamColumns} FROM stream ORDER BY vm_id, vcpu";

    private const string FindRecords =
        $"""
        SELECT {PostgresRows.JournalColumns} FROM journal
        WHERE stream_id = $1 AND seq >= $2 AND seq <= $3 ORDER BY seq LIMIT $4
        """;

    private const string FindReply =
        "SELECT reply FROM dedup WHERE stream_id = $1 AND client_id = $2 AND cmd_id = $3";

    internal static Task<StreamRow?> RowAsync(
        PostgresSession session, StreamId stream, CancellationToken cancellationToken) =>
        session.FindAsync(FindRow, PostgresRows.Stream, cancellationToken, stream);

    internal static async Task<IReadOnlyList<StreamRow>> RowsAsync(
        PostgresSession session, CancellationToken cancellationToken) =>
        await session.QueryAsync(FindAllRows, PostgresRows.Stream, cancellationToken).ConfigureAwait(false);

    internal static Task<IReadOnlyList<StreamRow>> LockedRowsAsync(
        PostgresSession session, VmId vm, CancellationToken cancellationToken) => session.InTransactionAsync(
        System.Data.IsolationLevel.ReadCommitted, () => LockAsync(session, vm, cancellationToken), cancellationToken);

    /// <summary>Inside of a transaction: nobody changes them before it ends.</summary>
    internal static async Task<IReadOnlyList<StreamRow>> LockAsync(
        PostgresSession session, VmId vm, CancellationToken cancellationToken)
    {
        await session.ExecuteAsync(LockName, cancellationToken, vm).ConfigureAwait(false);
        List<StreamRow> rows =
            await session.QueryAsync(LockRows, PostgresRows.Stream, cancellationToken, vm).ConfigureAwait(false);
        return [.. rows.OrderBy(row => row.Stream)];
    }

    /// <returns>At most <paramref name="recordsMax"/> records, and whether no row that cannot be read cut them
    /// short.</returns>
    internal static Task<(List<JournalRecord> Rows, bool IsEnd)> RecordsAsync(
        PostgresSession session,
        StreamId stream,
        ulong fromSeq,
        ulong toSeq,
        int recordsMax,
        CancellationToken cancellationToken) => session.QueryUntilFaultAsync(
        FindRecords,
        PostgresRows.Record,
        cancellationToken,
        stream,
        Math.Min(fromSeq, long.MaxValue),
        Math.Min(toSeq, long.MaxValue),
        recordsMax);

    internal static Task<DedupEntry?> ReplyAsync(
        PostgresSession session, StreamId stream, CommandId command, CancellationToken cancellationToken) =>
        session.FindAsync(
            FindReply,
            row => new DedupEntry(stream, command, row.GetFieldValue<byte[]>(0)),
            cancellationToken,
            stream,
            command.Client,
            command.Command);
}
