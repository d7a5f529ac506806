// SPDX-License-Identifier: Apache-2.0

using System.Data;
using KvmActors.Persistence.Journal;
using KvmActors.Persistence.Ownership;

namespace KvmActors.Persistence.Postgres;

/// <summary>Removes a VM, if its rows are as expected, under the locks that its commits take, and keeps the reply.
/// </summary>
internal static class PostgresDeletion
{
    private static readonly string[] s_deleteStream =
    [
        "DELETE FROM journal WHERE stream_id = $1",
        "DELETE FROM stream WHERE stream_id = $1",
    ];

    private const string DropAllOf = "DELETE FROM snapshot WHERE vm_id = $1";

    private const string KeepReply =
        $"""
        INSERT INTO dedup(stream_id, client_id, cmd_id, reply, at_ms)
        VALUES ($1, $2, $3, $4, coalesce($5, {PostgresSchema.ClockMs}))
        """;

    /// <param name="clock">Milliseconds since 1970, or no number: the server's own clock.</param>
    internal static Task<CommitResult> RunAsync(
        PostgresSession session,
        IReadOnlyList<StreamRow> rows,
        DedupEntry reply,
        object clock,
        CancellationToken cancellationToken) =>
        session.InTransactionAsync(
            IsolationLevel.ReadCommitted,
            () => DeleteAsync(session, rows, reply, clock, cancellationToken),
            cancellationToken);

    private static async Task<CommitResult> DeleteAsync(
        PostgresSession session,
        IReadOnlyList<StreamRow> rows,
        DedupEntry reply,
        object clock,
        CancellationToken cancellationToken)
    {
        VmId vm = rows[0].Stream.Vm;
        IReadOnlyList<StreamRow> current = await PostgresReads.LockAsync(session, vm, cancellationToken)
            .ConfigureAwait(false);
        if (await PostgresReads.ReplyAsync(session, reply.Stream, reply.Command, cancellationToken)
            .ConfigureAwait(false) is { } before)
        {
            return new CommitResult.Duplicate(before);
        }

        foreach (StreamRow row in rows)
        {
            StreamRow? found = current.FirstOrDefault(other => other.Stream == row.Stream);
            if (FenceRules.Check(new StreamWrite(row, row, []), found) is { } refusal)
            {
                return refusal;
            }
        }

        foreach (StreamRow row in rows)
        {
            foreach (string sql in s_deleteStream)
            {
                await session.ExecuteAsync(sql, cancellationToken, row.Stream).ConfigureAwait(false);
            }
        }

        await session.ExecuteAsync(DropAllOf, cancellationToken, vm).ConfigureAwait(false);
        await session.ExecuteAsync(
            KeepReply,
            cancellationToken,
            reply.Stream,
            reply.Command.Client,
            reply.Command.Command,
            reply.Reply.ToArray(),
            clock).ConfigureAwait(false);
        return new CommitResult.Committed();
    }
}
