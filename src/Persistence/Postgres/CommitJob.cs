// SPDX-License-Identifier: Apache-2.0

using KvmActors.Persistence.Journal;

namespace KvmActors.Persistence.Postgres;

/// <summary>A transaction that waits for its group, and who waits for it.</summary>
internal sealed class CommitJob(StoreTransaction transaction, TimeSpan queuedAt)
{
    // A writer must not run its waiters' code: it would hold up the next group.
    private readonly TaskCompletionSource<CommitResult> _answer =
        new(TaskCreationOptions.RunContinuationsAsynchronously);

    internal StoreTransaction Transaction => transaction;

    internal TimeSpan QueuedAt => queuedAt;

    internal Task<CommitResult> Task => _answer.Task;

    /// <summary>The store was collected since the snapshot's pages were put: each of them is looked for.</summary>
    internal bool LooksForPages { get; set; }

    /// <summary>Snapshots that the new one makes superfluous.</summary>
    internal IReadOnlyList<ulong> Dropped { get; set; } = [];

    /// <summary>About what the group's statement carries of it.</summary>
    internal long Bytes { get; } = transaction.Writes.Sum(write => write.Records.Sum(record => record.Payload.Length))
        + (transaction.Snapshot is { } snapshot
            ? snapshot.State.Length + snapshot.Console.Length + (snapshot.Pages.Length * Digest.SizeBytes)
            : 0);

    internal void Answer(CommitResult result) => _answer.TrySetResult(result);

    internal void Fail(Exception fault) => _answer.TrySetException(fault);
}
