// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Kernel;
using KvmActors.Persistence;
using KvmActors.Persistence.Journal;
using KvmActors.Persistence.Ownership;

namespace KvmActors.Actors.Cluster;

/// <summary>Commits, and does not come back before the outcome is known.</summary>
/// <remarks>A commit without an answer is decided by reading the rows under lock, and sent again byte for byte if it
/// did not land (crash point A2). Its caller builds no other batch meanwhile.</remarks>
/// <param name="retryAfter">Wait between two tries on a store that does not answer.</param>
public sealed class FencedWriter(IStore store, TimeProvider clock, TimeSpan retryAfter)
{
    /// <returns>Never a <see cref="CommitResult.Mismatch"/> for a commit that landed.</returns>
    /// <exception cref="InvalidOperationException">The rows hold what this owner did not write under its own epoch: a
    /// bug, or two processes with one node id. The guest must stop.</exception>
    /// <exception cref="TailLostException">The rows are behind what this owner knew to be durable.</exception>
    /// <exception cref="OperationCanceledException">The outcome is unknown: read the rows before anything else.
    /// </exception>
    public async Task<CommitResult> CommitAsync(StoreTransaction transaction, CancellationToken cancellationToken)
    {
        bool someTryIsOpen = false;
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            try
            {
                CommitResult result = await store.CommitAsync(transaction, cancellationToken);
                if (result is CommitResult.Committed || !someTryIsOpen)
                {
                    return Checked(transaction, result);
                }

                // An earlier try was slower than the look at the rows, and came in before this one: look again.
                return await DecideAsync(transaction, cancellationToken) ?? Checked(transaction, result);
            }
            catch (StoreUnavailableException failure)
            {
                someTryIsOpen |= failure.Outcome == CommitOutcome.Unknown;
                if (failure.Outcome == CommitOutcome.Unknown
                    && await DecideAsync(transaction, cancellationToken) is { } decided)
                {
                    return decided;
                }
            }

            await clock.DelayAsync(retryAfter, cancellationToken);
        }
    }

    private async Task<CommitResult?> DecideAsync(StoreTransaction transaction, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                IReadOnlyList<StreamRow> rows = await store.ReadLockedAsync(transaction.Vm, cancellationToken);
                return Conclude(transaction, rows);
            }
            catch (StoreUnavailableException)
            {
                await clock.DelayAsync(retryAfter, cancellationToken);
            }
        }
    }

    /// <summary>A refusal because the rows have moved on, and not because they fell back.</summary>
    private static CommitResult Checked(StoreTransaction transaction, CommitResult result)
    {
        StreamRow? Known(StreamId stream) =>
            transaction.Writes.FirstOrDefault(write => write.Next.Stream == stream)?.Expected;
        (StreamRow? known, StreamRow? found) = result switch
        {
            CommitResult.Fenced fenced => (Known(fenced.Current.Stream), fenced.Current),
            CommitResult.Mismatch mismatch => (mismatch.Expected, mismatch.Current),
            CommitResult.Missing missing => (Known(missing.Stream), null),
            _ => (null, null),
        };
        if (known is not null)
        {
            LostTail.ThrowIfBehind(known, found);
        }

        return result;
    }

    private static CommitResult? Conclude(StoreTransaction transaction, IReadOnlyList<StreamRow> rows)
    {
        CommitVerdict verdict = CommitVerdicts.Of(transaction, rows);
        if (verdict is CommitVerdict.Lost or CommitVerdict.Broken)
        {
            LostTail.ThrowIfBehind(transaction, rows);
        }

        return verdict switch
        {
            CommitVerdict.NotLanded => null,
            CommitVerdict.Landed => new CommitResult.Committed(),
            CommitVerdict.Lost => new CommitResult.Fenced(
                transaction.Writes[0].Expected?.Epoch ?? Epoch.First, rows[0]),
            CommitVerdict.Broken => throw new InvalidOperationException(
                $"Expected the rows of {transaction.Vm} as they were before or after a commit of this owner, found "
                + $"{string.Join("; ", rows)}. The guest stops here; its journal decides."),
        };
    }
}
