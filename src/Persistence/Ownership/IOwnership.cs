// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Persistence.Ownership;

/// <summary>Reads the fence rows. They are written only by <see cref="Journal.IJournal.CommitAsync"/>.</summary>
public interface IOwnership
{
    /// <returns>The row, or null where there is no such stream. May be stale by the time it is read.</returns>
    ValueTask<StreamRow?> FindAsync(StreamId stream, CancellationToken cancellationToken);

    /// <summary>Reads the rows of a VM under the write lock, so that no commit is under way on them: what decides
    /// whether a commit whose answer was lost has landed.</summary>
    ValueTask<IReadOnlyList<StreamRow>> ReadLockedAsync(VmId vm, CancellationToken cancellationToken);

    /// <returns>All rows, ordered by <see cref="StreamId"/>.</returns>
    ValueTask<IReadOnlyList<StreamRow>> ListAsync(CancellationToken cancellationToken);
}
