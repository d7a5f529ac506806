// SPDX-License-Identifier: Apache-2.0

using System.Runtime.CompilerServices;
using KvmActors.Machine;
using KvmActors.Persistence;
using KvmActors.Persistence.Events;
using KvmActors.Persistence.Files;
using KvmActors.Persistence.Journal;
using KvmActors.Persistence.Snapshots;

namespace KvmActors.Actors.Saving;

/// <summary>A snapshot in the store as a saved VM's file, read page by page. Needs a store and nothing of a
/// cluster.</summary>
public sealed class VmFileSource
{
    private readonly IStore _store;
    private readonly SnapshotRecord _snapshot;

    private VmFileSource(IStore store, SnapshotRecord snapshot, SavedVm saved)
    {
        _store = store;
        _snapshot = snapshot;
        Saved = saved;
    }

    public SavedVm Saved { get; }

    /// <summary>Pages given out so far.</summary>
    public int PagesDone { get; private set; }

    /// <param name="snapshotId">As the snapshot's journal event names it.</param>
    /// <param name="node">That ran the VM.</param>
    /// <param name="engine">Of that node.</param>
    /// <exception cref="StoreCorruptException">The snapshot is not there any more, or is damaged.</exception>
    public static async Task<VmFileSource> OpenAsync(
        IStore store, VmId vm, ulong snapshotId, NodeId node, string engine, CancellationToken cancellationToken)
    {
        SnapshotRecord snapshot = await store.FindByIdAsync(vm, snapshotId, cancellationToken)
            ?? throw new StoreCorruptException(
                $"Expected snapshot {snapshotId} of {vm}, found none: it was dropped meanwhile. Save the VM again.");
        ulong head = snapshot.Heads.Single(candidate => candidate.Stream == vm.Stream).Seq;
        var created = (JournalEvent.VmCreated)await EventAsync(store, vm.Stream, 1, cancellationToken);
        var taken = (JournalEvent.SnapshotTaken)await EventAsync(store, vm.Stream, head, cancellationToken);
        MachineState machine = SnapshotCodec.Decode(snapshot.State);
        SavedVm saved = new(
            vm,
            node,
            snapshot.Epoch,
            engine,
            created,
            taken.State,
            taken.Memory,
            machine,
            snapshot.Console,
            snapshot.Pages.Length);
        return new VmFileSource(store, snapshot, saved);
    }

    /// <summary>The file's bytes, in pieces of at most about 1 MiB. Once.</summary>
    /// <exception cref="StoreCorruptException">A page is not there any more, or is damaged.</exception>
    public async IAsyncEnumerable<byte[]> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using SavedVmWriter writer = new(Saved);
        yield return writer.Begin();
        foreach (PageReference[] batch in _snapshot.Pages.Chunk(SavedVmWriter.PagesMax))
        {
            IReadOnlyList<ReadOnlyMemory<byte>> bytes =
                await _store.GetAsync([.. batch.Select(page => page.Digest)], cancellationToken);
            byte[] piece = writer.Pages(
                [.. batch.Select((page, index) => (checked((int)page.PageNumber), bytes[index]))]);
            PagesDone += batch.Length;
            yield return piece;
        }

        yield return writer.End();
    }

    private static async Task<JournalEvent> EventAsync(
        IStore store, StreamId stream, ulong seq, CancellationToken cancellationToken)
    {
        await foreach (JournalRecord record in store.ReadAsync(stream, seq, seq, cancellationToken))
        {
            return EventCodec.Decode(record);
        }

        throw new StoreCorruptException($"Stream {stream}: expected a record with sequence {seq}, found none.");
    }
}
