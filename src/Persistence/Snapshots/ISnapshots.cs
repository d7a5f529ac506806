// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Persistence.Snapshots;

/// <summary>Reads snapshots. They are written by <see cref="Journal.IJournal.CommitAsync"/>.</summary>
public interface ISnapshots
{
    /// <returns>The latest snapshot at or before <paramref name="vmTime"/>, or null.</returns>
    /// <exception cref="StoreCorruptException">The stored bytes do not fit their checksum.</exception>
    ValueTask<SnapshotRecord?> FindAsync(VmId vm, ulong vmTime, CancellationToken cancellationToken);

    /// <returns>A snapshot by its id, or null. The first one of <see cref="ListSnapshotsAsync"/> is where a VM's
    /// journal begins, at VM time 0 or at what it was restored from; it is never dropped.</returns>
    /// <exception cref="StoreCorruptException">The stored bytes do not fit their checksum.</exception>
    ValueTask<SnapshotRecord?> FindByIdAsync(VmId vm, ulong id, CancellationToken cancellationToken);

    /// <returns>Id and VM time of every snapshot, ascending.</returns>
    ValueTask<IReadOnlyList<SnapshotSummary>> ListSnapshotsAsync(VmId vm, CancellationToken cancellationToken);
}

public readonly record struct SnapshotSummary(ulong Id, ulong VmTime);
