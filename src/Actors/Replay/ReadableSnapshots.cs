// SPDX-License-Identifier: Apache-2.0

using KvmActors.Persistence;
using KvmActors.Persistence.Snapshots;

namespace KvmActors.Actors.Replay;

/// <summary>Uses the latest snapshot of a VM that can be read. A damaged one costs time and loses nothing: the journal
/// behind an older one tells the same (crash point S1).</summary>
internal static class ReadableSnapshots
{
    /// <param name="vmTime">Later ones are left out.</param>
    /// <param name="use">Throws <see cref="StoreCorruptException"/> where the snapshot, or a page of it, cannot be
    /// read.</param>
    /// <exception cref="StoreCorruptException">None can be read; the message is of the latest one.</exception>
    public static async Task<T> UseLatestAsync<T>(
        IStore store, VmId vm, ulong vmTime, Func<SnapshotRecord, Task<T>> use, CancellationToken stop)
    {
        StoreCorruptException latest;
        try
        {
            return await use(await store.FindAsync(vm, vmTime, stop) ?? throw None(vm));
        }
        catch (StoreCorruptException damage)
        {
            latest = damage;
        }

        IReadOnlyList<SnapshotSummary> all = await store.ListSnapshotsAsync(vm, stop);
        IEnumerable<SnapshotSummary> older = all.Where(snapshot => snapshot.VmTime <= vmTime)
            .OrderByDescending(snapshot => (snapshot.VmTime, snapshot.Id))
            .Skip(1);
        foreach (SnapshotSummary snapshot in older)
        {
            try
            {
                return await use(await store.FindByIdAsync(vm, snapshot.Id, stop) ?? throw None(vm));
            }
            catch (StoreCorruptException)
            {
                // The next older one; the latest one's damage is what is told if none is whole.
            }
        }

        throw latest;
    }

    private static StoreCorruptException None(VmId vm) => new($"Expected a snapshot of {vm}, found none.");
}
