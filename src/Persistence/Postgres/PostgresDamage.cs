// SPDX-License-Identifier: Apache-2.0

using KvmActors.Persistence.Journal;

namespace KvmActors.Persistence.Postgres;

/// <summary>Names what stood where a transaction wanted to insert, although the fence row said that nothing
/// does.</summary>
internal static class PostgresDamage
{
    private const string FindFirst =
        "SELECT min(seq) FROM journal WHERE stream_id = $1 AND seq > $2";

    /// <returns>Null where the fault is none of these.</returns>
    internal static async Task<Exception?> FindAsync(
        PostgresSession session, StoreTransaction transaction, Exception fault)
    {
        if (PostgresFault.IsDuplicateKey(fault, "snapshot_pkey") && transaction.Snapshot is { } snapshot)
        {
            return new StoreCorruptException(
                $"Expected no snapshot {snapshot.Id} of {snapshot.Vm} yet, found one. Verify the journal of "
                + $"{snapshot.Vm}.",
                fault);
        }

        return PostgresFault.IsDuplicateKey(fault, "journal_pkey")
            ? await FindRecordAsync(session, transaction, fault).ConfigureAwait(false)
            : null;
    }

    private static async Task<Exception> FindRecordAsync(
        PostgresSession session, StoreTransaction transaction, Exception fault)
    {
        try
        {
            foreach (StreamWrite write in transaction.Writes)
            {
                StreamId stream = write.Next.Stream;
                ulong head = write.Expected?.HeadSeq ?? 0;
                if (await session.ScalarAsync(FindFirst, CancellationToken.None, stream, head).ConfigureAwait(false)
                    is long seq)
                {
                    return new StoreCorruptException(
                        $"Stream {stream}: expected no record behind the head {head} of the fence row, found sequence "
                        + $"{seq} in the journal. Verify the journal of {transaction.Vm}.",
                        fault);
                }
            }
        }
        catch (Exception broken) when (PostgresFault.IsOfStore(broken) || broken is InvalidOperationException)
        {
            // The connection broke while the place was looked for: it is named without one.
        }

        return new StoreCorruptException(
            $"{transaction.Vm}: expected no record behind the head of its fence rows, found one in the journal. Verify "
            + $"the journal of {transaction.Vm}.",
            fault);
    }
}
