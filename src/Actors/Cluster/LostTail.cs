// SPDX-License-Identifier: Apache-2.0

using KvmActors.Persistence.Journal;
using KvmActors.Persistence.Ownership;

namespace KvmActors.Actors.Cluster;

/// <summary>Tells a fence row that has moved on from one that fell back: a store that lost the end of what it had made
/// durable, because it was restored from a copy or failed over to a standby that lagged (crash point N8). Pure.
/// </summary>
/// <remarks>Epochs and heads only grow, and an owner changes only with the epoch. So a row is behind if it is gone, if
/// its epoch is lower, or if under the same epoch its head is lower or another node owns it.</remarks>
public static class LostTail
{
    /// <param name="known">The row as it was when it was last known to be durable.</param>
    /// <param name="found">The row now; null where there is none.</param>
    public static bool IsBehind(StreamRow known, StreamRow? found)
    {
        ArgumentNullException.ThrowIfNull(known);
        if (found is null || found.Epoch < known.Epoch)
        {
            return true;
        }

        return found.Epoch == known.Epoch
            && (found.HeadSeq < known.HeadSeq || (found.Owner is not null && found.Owner != known.Owner));
    }

    /// <exception cref="TailLostException">A row is behind what the transaction was built on.</exception>
    internal static void ThrowIfBehind(StoreTransaction transaction, IReadOnlyList<StreamRow> rows)
    {
        foreach (StreamRow known in transaction.Writes.Select(write => write.Expected).OfType<StreamRow>())
        {
            ThrowIfBehind(known, rows.FirstOrDefault(row => row.Stream == known.Stream));
        }
    }

    /// <exception cref="TailLostException">The row is behind.</exception>
    internal static void ThrowIfBehind(StreamRow known, StreamRow? found)
    {
        if (IsBehind(known, found))
        {
            throw new TailLostException(known, found);
        }
    }
}
