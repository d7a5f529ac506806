// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Actors.Vm;
using KvmActors.Machine.Time;
using KvmActors.Persistence;
using KvmActors.Persistence.Events;
using KvmActors.Persistence.Snapshots;

namespace KvmActors.Actors.Replay;

/// <summary>A guest as it was at a VM time of its past, made of the store alone: the latest snapshot until then, and
/// the journal behind it, with every state on the way compared.</summary>
public sealed class PastGuest : IDisposable
{
    private const int PagesBatch = 256;
    private static readonly TimeSpan s_lookEvery = TimeSpan.FromMilliseconds(100);

    private PastGuest(VmHistory history, IGuest guest, ConsoleLog console)
    {
        History = history;
        Guest = guest;
        Console = console;
    }

    public VmHistory History { get; }

    /// <summary>Stands at the VM time, with all that entered there.</summary>
    public IGuest Guest { get; }

    /// <summary>What it had put out.</summary>
    public ConsoleLog Console { get; }

    /// <param name="vmTime">From the VM's first snapshot to the last event of its journal. Of a guest that ended
    /// until then, the last VM time before its end.</param>
    /// <exception cref="ArgumentOutOfRangeException">The journal does not tell of it.</exception>
    /// <exception cref="KeyNotFoundException">There is no such VM.</exception>
    /// <exception cref="StoreCorruptException">The journal or a snapshot is damaged, or a state on the way is not what
    /// the journal says.</exception>
    public static async Task<PastGuest> OpenAsync(
        IStore store,
        VmId vm,
        ulong vmTime,
        IGuestFactory guests,
        TimeProvider clock,
        CancellationToken cancellationToken)
    {
        VmHistory history = await JournalReplayer.ReadHistoryAsync(store, vm, cancellationToken);
        IReadOnlyList<SnapshotSummary> all = await store.ListSnapshotsAsync(vm, cancellationToken);
        ulong last = Math.Max(history.VmTime, all is [var least, ..] ? least.VmTime : 0);
        if (all.Count == 0 || vmTime < all[0].VmTime || vmTime > last)
        {
            throw new ArgumentOutOfRangeException(
                nameof(vmTime),
                vmTime,
                $"Expected a VM time from {(all.Count == 0 ? 0 : all[0].VmTime)} to {last}, of which the journal of "
                + $"{vm} tells, found {vmTime}.");
        }

        if (history.Events.FirstOrDefault(IsEnd) is { } end && end.VmTime <= vmTime)
        {
            vmTime = Math.Max(end.VmTime - Math.Min(1, end.VmTime), all[0].VmTime);
        }

        SnapshotSummary before = all.Last(each => each.VmTime <= vmTime);
        SnapshotRecord snapshot = await store.FindByIdAsync(vm, before.Id, cancellationToken)
            ?? throw new StoreCorruptException($"Expected snapshot {before.Id} of {vm}, found none.");
        IGuest guest = await RestoreAsync(store, history, snapshot, guests, cancellationToken);
        try
        {
            ulong consoleBytes = guest.Save().ConsoleBytes;
            ConsoleLog console = new(consoleBytes, snapshot.Console.Span);
            Run(history, snapshot, guest, vmTime, console, clock, cancellationToken);
            return new PastGuest(history, guest, console);
        }
        catch
        {
            guest.Dispose();
            throw;
        }
    }

    /// <summary>Puts the guest's pages into a store.</summary>
    public async Task<ImmutableArray<PageReference>> StorePagesAsync(IStore store, CancellationToken cancellationToken)
    {
        ImmutableArray<PageReference>.Builder pages = ImmutableArray.CreateBuilder<PageReference>();
        foreach (int[] batch in Enumerable.Range(0, Guest.PageCount).Where(page => !Guest.IsZero(page))
            .Chunk(PagesBatch))
        {
            IReadOnlyList<Digest> digests = await store.PutAsync(
                [.. batch.Select(page => (ReadOnlyMemory<byte>)Guest.Page(page).ToArray())], cancellationToken);
            pages.AddRange(batch.Select((page, at) => new PageReference((ulong)page, digests[at])));
        }

        return pages.DrainToImmutable();
    }

    public void Dispose() => Guest.Dispose();

    private static bool IsEnd(ReplayEvent next) =>
        next.Event is JournalEvent.LifecycleChanged { To: VmLifecycle.Ended };

    private static void Run(
        VmHistory history,
        SnapshotRecord snapshot,
        IGuest guest,
        ulong vmTime,
        ConsoleLog console,
        TimeProvider clock,
        CancellationToken cancellationToken)
    {
        ImmutableArray<ReplayEvent> events = [.. history.Behind(snapshot).Where(next => next.VmTime <= vmTime)];
        long since = clock.GetTimestamp();
        bool MayLook() => clock.GetElapsedTime(since) >= s_lookEvery;
        GuestReplay replay = new(
            guest, guest.Save().ConsoleBytes, events, (offset, bytes) => console.Append(offset, bytes.Span));
        while (replay.Step(MayLook))
        {
            cancellationToken.ThrowIfCancellationRequested();
            since = clock.GetTimestamp();
        }

        if (replay.Divergence is { } divergence)
        {
            throw new StoreCorruptException($"{divergence.Sentence} Look at: journal replay.");
        }

        while (guest.VmTime < vmTime && guest.End is null)
        {
            cancellationToken.ThrowIfCancellationRequested();
            since = clock.GetTimestamp();
            SliceResult slice = guest.RunSlice(new SliceLimits(vmTime, MayLook));
            console.Append(slice.ConsoleOffset, slice.Console.Span);
            if (slice.Stop is SliceStop.Idle && guest.VmTime < vmTime)
            {
                throw new StoreCorruptException(
                    $"Expected {history.Vm} to run to VM time {vmTime}, found it waiting for an input at "
                    + $"{guest.VmTime}. Look at: journal replay.");
            }
        }
    }

    private static async Task<IGuest> RestoreAsync(
        IStore store,
        VmHistory history,
        SnapshotRecord snapshot,
        IGuestFactory guests,
        CancellationToken cancellationToken)
    {
        List<(int, ReadOnlyMemory<byte>)> pages = new(snapshot.Pages.Length);
        foreach (PageReference[] batch in snapshot.Pages.Chunk(PagesBatch))
        {
            IReadOnlyList<ReadOnlyMemory<byte>> bytes =
                await store.GetAsync([.. batch.Select(page => page.Digest)], cancellationToken);
            pages.AddRange(batch.Select((page, at) => ((int)page.PageNumber, bytes[at])));
        }

        return guests.Restore(history.FoldVm().Spec, SnapshotCodec.Decode(snapshot.State), pages);
    }
}
