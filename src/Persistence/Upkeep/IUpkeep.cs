// SPDX-License-Identifier: Apache-2.0

using KvmActors.Persistence.Journal;
using KvmActors.Persistence.Ownership;
using KvmActors.Persistence.Snapshots;

namespace KvmActors.Persistence.Upkeep;

/// <summary>What a store holds, and how it gets rid of what nobody needs. Beside running nodes.</summary>
public interface IUpkeep
{
    /// <summary>Counts everything. Reads the whole journal's lengths and every snapshot's page index.</summary>
    ValueTask<StoreStatistics> MeasureAsync(CancellationToken cancellationToken);

    /// <summary>Deletes the pages that no snapshot names, in small commits, so that nobody waits for long.</summary>
    /// <remarks>A page that was put for a snapshot whose commit is still to come may be deleted: that commit is then
    /// refused as <see cref="Journal.CommitResult.PagesGone"/>. A snapshot that is in the store has all its
    /// pages.</remarks>
    /// <param name="retention">Drops snapshots of every VM first; null: none.</param>
    /// <exception cref="StoreUnavailableException">The store gave no answer. What was deleted before stays
    /// deleted.</exception>
    ValueTask<CollectionReport> CollectAsync(SnapshotRetention? retention, CancellationToken cancellationToken);

    /// <summary>What <see cref="CollectAsync"/> would delete now; deletes nothing.</summary>
    ValueTask<CollectionReport> ForecastAsync(SnapshotRetention? retention, CancellationToken cancellationToken);

    /// <summary>Removes a VM, whole or not at all: its rows, records and snapshots. Its pages stay until they are
    /// collected, as far as no other snapshot names them; the replies to its commands stay as long as others, so that
    /// no command is done again that comes late, least of all the one that created the VM.</summary>
    /// <param name="rows">All rows of one VM as their owner knows them, in order.</param>
    /// <param name="reply">To the command that deletes it, kept by the same transaction.</param>
    /// <returns>Committed; Duplicate where the command has a reply already; or why not, as a commit on these rows would
    /// say.</returns>
    /// <exception cref="StoreUnavailableException">Nothing is known of the outcome unless it says so: the same call
    /// again decides.</exception>
    ValueTask<CommitResult> DeleteAsync(
        IReadOnlyList<StreamRow> rows, DedupEntry reply, CancellationToken cancellationToken);
}
