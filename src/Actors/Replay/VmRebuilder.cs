// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Kernel;
using KvmActors.Actors.Vm;
using KvmActors.Machine;
using KvmActors.Machine.Time;
using KvmActors.Persistence;
using KvmActors.Persistence.Snapshots;

namespace KvmActors.Actors.Replay;

/// <summary>Rebuilds a VM at its last journaled event: the latest snapshot that can be read, then the journal behind
/// it.</summary>
/// <param name="runner">Computes; one slice at a time, so that its thread serves nobody else for long.</param>
public sealed class VmRebuilder(IStore store, IGuestFactory guests, ISliceRunner runner)
{
    /// <summary>Pages read at once: 1 MiB.</summary>
    private const int PagesBatch = 256;

    /// <param name="rows">The VM's rows; the journal is replayed up to their heads.</param>
    /// <exception cref="StoreUnavailableException">The store gave no answer. Try again.</exception>
    /// <exception cref="OperationCanceledException">Nothing is left behind.</exception>
    public async Task<RebuildResult> RebuildAsync(VmRows rows, CancellationToken cancellationToken)
    {
        try
        {
            VmHistory history = await VmHistory.ReadAsync(store, rows, cancellationToken);
            return await ReadableSnapshots.UseLatestAsync(
                store,
                rows.Vm,
                history.VmTime,
                snapshot => RebuildAsync(history, snapshot, cancellationToken),
                cancellationToken);
        }
        catch (Exception corrupt) when (corrupt is StoreCorruptException or JournalFormatException)
        {
            return new RebuildResult.Failed(corrupt.Message, null);
        }
    }

    private async Task<RebuildResult> RebuildAsync(
        VmHistory history, SnapshotRecord snapshot, CancellationToken cancellationToken)
    {
        VmState state = history.FoldVm();
        MachineState machine = SnapshotCodec.Decode(snapshot.State);
        List<(int, ReadOnlyMemory<byte>)> pages = await ReadPagesAsync(snapshot, cancellationToken);
        ConsoleLog console = new(machine.ConsoleBytes, snapshot.Console.Span);
        IGuest guest = await RestoreAsync(state.Spec, machine, pages, cancellationToken);
        bool isDone = false;
        try
        {
            GuestReplay replay = new(
                guest,
                machine.ConsoleBytes,
                history.Behind(snapshot),
                (offset, bytes) => console.Append(offset, bytes.Span));
            await RunAsync(guest, replay, cancellationToken);
            isDone = replay.Divergence is null;
            return isDone
                ? new RebuildResult.Rebuilt(
                    guest, state, history.FoldVcpus(), console, snapshot.Pages, snapshot.VmTime, replay.EventsReplayed)
                {
                    Birth = history.Birth,
                }
                : new RebuildResult.Failed(replay.Divergence!.Sentence, replay.Divergence);
        }
        finally
        {
            if (!isDone)
            {
                guest.Dispose();
            }
        }
    }

    private async Task<List<(int PageNumber, ReadOnlyMemory<byte> Bytes)>> ReadPagesAsync(
        SnapshotRecord snapshot, CancellationToken cancellationToken)
    {
        List<(int, ReadOnlyMemory<byte>)> pages = new(snapshot.Pages.Length);
        foreach (PageReference[] batch in snapshot.Pages.Chunk(PagesBatch))
        {
            IReadOnlyList<ReadOnlyMemory<byte>> bytes =
                await store.GetAsync([.. batch.Select(page => page.Digest)], cancellationToken);
            pages.AddRange(batch.Select((page, index) => ((int)page.PageNumber, bytes[index])));
        }

        return pages;
    }

    private async Task<IGuest> RestoreAsync(
        MachineSpec spec,
        MachineState state,
        List<(int PageNumber, ReadOnlyMemory<byte> Bytes)> pages,
        CancellationToken cancellationToken)
    {
        IGuest? guest = null;
        await runner.RunAsync(
            () =>
            {
                guest = guests.Restore(spec, state, pages);
                return Nothing(guest);
            },
            cancellationToken);
        return guest!;
    }

    private async Task RunAsync(IGuest guest, GuestReplay replay, CancellationToken cancellationToken)
    {
        bool goesOn = true;
        while (goesOn)
        {
            await runner.RunAsync(
                () =>
                {
                    goesOn = replay.Step(() => cancellationToken.IsCancellationRequested);
                    return Nothing(guest);
                },
                cancellationToken);
        }
    }

    private static SliceResult Nothing(IGuest guest) => new(
        SliceStop.Yielded, guest.VmTime, guest.InstructionsRetired, 0, ReadOnlyMemory<byte>.Empty, []);
}
