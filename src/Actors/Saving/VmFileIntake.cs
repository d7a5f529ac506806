// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Actors.Cluster;
using KvmActors.Persistence;
using KvmActors.Persistence.Files;
using KvmActors.Persistence.Snapshots;

namespace KvmActors.Actors.Saving;

/// <summary>Reads a saved VM's file into the store, page by page, and gives what a VM can be restored of.</summary>
/// <remarks>Of a file that turns out to be damaged, pages stay in the store that nobody names: the next collection
/// takes them.</remarks>
public static class VmFileIntake
{
    /// <param name="name">Of the new VM.</param>
    /// <param name="onNode">Name of the node it is to be made on; null for the one that is asked.</param>
    /// <exception cref="SavedVmException">No saved VM, or a damaged one.</exception>
    /// <exception cref="StoreUnavailableException">The store did not take a page.</exception>
    public static async Task<VmDraft> ReadAsync(
        IStore store, Stream file, Func<SavedVm, VmId> name, string? onNode, CancellationToken cancellationToken)
    {
        using SavedVmReader reader = await SavedVmReader.OpenAsync(file, cancellationToken);
        SavedVm saved = reader.Saved;
        ImmutableArray<PageReference>.Builder pages = ImmutableArray.CreateBuilder<PageReference>();
        Dictionary<int, Digest> contents = [];
        ulong since = await store.CountCollectionsAsync(cancellationToken);
        await foreach (ImmutableArray<SavedPage> piece in reader.ReadPagesAsync(cancellationToken))
        {
            SavedPage[] stored = [.. piece.Where(page => page.SameAs is null)];
            IReadOnlyList<Digest> digests =
                await store.PutAsync([.. stored.Select(page => page.Bytes)], cancellationToken);
            for (int index = 0; index < stored.Length; index++)
            {
                contents.Add(stored[index].PageNumber, digests[index]);
            }

            pages.AddRange(piece.Select(page => new PageReference(
                (ulong)page.PageNumber, contents[page.SameAs ?? page.PageNumber])));
        }

        return new VmDraft(
            name(saved),
            saved.Created with { Origin = saved.Origin(reader.Checksum!.Value) },
            saved.Machine,
            pages.DrainToImmutable(),
            saved.Console,
            onNode)
        {
            PagesSince = since,
        };
    }
}
