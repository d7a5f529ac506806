// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Persistence;
using KvmActors.Persistence.Pages;
using KvmActors.Persistence.Snapshots;

namespace KvmActors.Actors.Vm;

/// <summary>Which stored page each page of a guest's memory was at the last snapshot, so that the next snapshot stores
/// only what changed.</summary>
internal sealed class SnapshotPages
{
    /// <summary>Pages put at once: 1 MiB, what a store takes into one commit.</summary>
    public const int BatchMax = 256;

    private readonly SortedDictionary<ulong, Digest> _index = [];
    private readonly SortedDictionary<int, CapturedPage> _unstored = [];
    private bool _isForgotten;

    public SnapshotPages(IEnumerable<PageReference> pages)
    {
        foreach (PageReference page in pages)
        {
            _index[page.PageNumber] = page.Digest;
        }
    }

    /// <param name="Since">For <see cref="Persistence.Journal.StoreTransaction.PagesSince"/>.</param>
    public sealed record Stored(ImmutableArray<PageReference> Pages, ulong Since);

    /// <summary>What was stored is not there any more: only a snapshot with all pages can come next.</summary>
    public void Forget() => _isForgotten = true;

    /// <summary>Whether a snapshot can be made of what was captured.</summary>
    public bool CanTake(CapturedProgress progress) => progress.TakesSnapshot && (progress.IsWhole || !_isForgotten);

    /// <summary>Stores changed pages and gives the whole list for a snapshot.</summary>
    /// <remarks>Where the store does not answer, what changed is kept for the next snapshot, which without it would mix
    /// pages of two moments.</remarks>
    /// <exception cref="StoreUnavailableException">The list is as it was before.</exception>
    public async Task<Stored> PutAsync(IPages store, CapturedProgress progress, CancellationToken cancellationToken)
    {
        if (progress.IsWhole)
        {
            _index.Clear();
            _unstored.Clear();
            _isForgotten = false;
        }

        return await PutAsync(store, progress.SnapshotPages, cancellationToken);
    }

    /// <summary>Stores the pages of a guest that had none stored.</summary>
    public async Task<Stored> PutAsync(
        IPages store, ImmutableArray<CapturedPage> changed, CancellationToken cancellationToken)
    {
        foreach (CapturedPage page in changed)
        {
            _unstored[page.PageNumber] = page;
        }

        ulong since = await store.CountCollectionsAsync(cancellationToken);
        CapturedPage[] filled = [.. _unstored.Values.Where(page => !page.IsZero)];
        List<Digest> digests = new(filled.Length);
        foreach (CapturedPage[] batch in filled.Chunk(BatchMax))
        {
            digests.AddRange(await store.PutAsync([.. batch.Select(page => page.Bytes)], cancellationToken));
        }

        foreach (CapturedPage page in _unstored.Values.Where(page => page.IsZero))
        {
            _index.Remove((ulong)page.PageNumber);
        }

        for (int index = 0; index < filled.Length; index++)
        {
            _index[(ulong)filled[index].PageNumber] = digests[index];
        }

        _unstored.Clear();
        return new Stored([.. _index.Select(page => new PageReference(page.Key, page.Value))], since);
    }
}
