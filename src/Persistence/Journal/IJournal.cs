// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Persistence.Journal;

/// <summary>Streams of records behind fence rows.</summary>
public interface IJournal
{
    /// <summary>Applies <paramref name="transaction"/> whole or not at all. Each row is compared and swapped in the
    /// same transaction that inserts the records, so that an owner who lost a stream cannot write to it.</summary>
    /// <remarks>Transactions of many actors are grouped into one commit of the store; one that is refused drops out of
    /// its group alone. Refusals are looked for in this order: the rows (missing, there already, fenced, mismatch), the
    /// claim, the command, the snapshot's pages; but a creation that meets its own stored reply is a duplicate. Any
    /// thread; transactions of one VM are applied in the order of the calls.</remarks>
    /// <exception cref="StoreUnavailableException">Nothing is known of the outcome unless its
    /// <see cref="StoreUnavailableException.Outcome"/> says so: decide by
    /// <see cref="Ownership.IOwnership.ReadLockedAsync"/>, and send the identical bytes again if it did not
    /// land.</exception>
    ValueTask<CommitResult> CommitAsync(StoreTransaction transaction, CancellationToken cancellationToken);

    /// <summary>Records of one stream with <c>fromSeq &lt;= seq &lt;= toSeq</c>, ascending. Hashes are not checked
    /// here:
    /// see <c>JournalVerifier</c>.</summary>
    IAsyncEnumerable<JournalRecord> ReadAsync(
        StreamId stream, ulong fromSeq, ulong toSeq, CancellationToken cancellationToken);

    /// <returns>The stored reply to a command that was handled before, or null.</returns>
    ValueTask<DedupEntry?> FindReplyAsync(StreamId stream, CommandId command, CancellationToken cancellationToken);
}
