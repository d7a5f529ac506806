// SPDX-License-Identifier: Apache-2.0

using System.Data;
using KvmActors.Persistence.Journal;
using KvmActors.Persistence.Ownership;

namespace KvmActors.Persistence.Postgres;

/// <summary>Removes a VM, if its rows are as expected, under the locks that its commits take.</summary>
internal static class PostgresDeletion
{
    private static readonly string[] s_deleteStream =
    [
        "DELETE FROM journal WHERE stream_id = $1",
        "DELETE FROM dedup WHERE stream_id = $1",
        "DELETE FROM stream WHERE stream_id = $1",
    ];

    private const string DropAllOf = "DELETE FROM snapshot WHERE vm_id = $1";

    internal static Task<CommitResult> RunAsync(
        PostgresSession session, IReadOnlyList<StreamRow> rows, CancellationToken cancellationToken) =>
        session.InTransactionAsync(
            IsolationLevel.ReadCommitted, () => DeleteAsync(session, rows, cancellationToken), cancellationToken);

    private static async Task<CommitResult> DeleteAsync(
        PostgresSession session, IReadOnlyList<StreamRow> rows, CancellationToken cancellationToken)
    {
        VmId vm = rows[0].Stream.Vm;
        IReadOnlyList<StreamRow> current = await PostgresReads.LockAsync(session, vm, cancellationToken)
            .ConfigureAwait(false);
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
        return new CommitResult.Committed();
    }
}
