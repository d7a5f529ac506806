// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Persistence.Pages;

/// <summary>Pages of guest memory, stored once by their content.</summary>
public interface IPages
{
    /// <summary>Stores 4096-byte pages; those already there cost a look-up. Each commit holds at most 1 MiB of
    /// pages.</summary>
    /// <returns>The digests, in order.</returns>
    ValueTask<IReadOnlyList<Digest>> PutAsync(
        IReadOnlyList<ReadOnlyMemory<byte>> pages, CancellationToken cancellationToken);

    /// <returns>How often this store has deleted pages. What was put behind a count is there as long as the count is
    /// the same: see <see cref="Journal.StoreTransaction.PagesSince"/>.</returns>
    ValueTask<ulong> CountCollectionsAsync(CancellationToken cancellationToken);

    /// <returns>The pages, in order, each 4096 bytes.</returns>
    /// <exception cref="StoreCorruptException">A page is missing, or does not fit its digest.</exception>
    ValueTask<IReadOnlyList<ReadOnlyMemory<byte>>> GetAsync(
        IReadOnlyList<Digest> digests, CancellationToken cancellationToken);
}
