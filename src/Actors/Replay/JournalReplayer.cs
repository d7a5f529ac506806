// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using System.Security.Cryptography;
using KvmActors.Actors.Vm;
using KvmActors.Machine;
using KvmActors.Machine.Time;
using KvmActors.Persistence;
using KvmActors.Persistence.Ownership;
using KvmActors.Persistence.Snapshots;

namespace KvmActors.Actors.Replay;

/// <summary>Replays a VM's journal from the snapshot at its creation and compares every state on the way, on the
/// caller's thread. Needs a store and nothing of a cluster.</summary>
public static class JournalReplayer
{
    /// <param name="vm">Any state, also running: the replay goes to the heads it finds at first.</param>
    /// <param name="progress">Called after each slice, with where the replay is.</param>
    /// <exception cref="StoreCorruptException">A record does not fit its hash, or a page its digest.</exception>
    /// <exception cref="KeyNotFoundException">There is no such VM.</exception>
    public static async Task<ReplayReport> ReplayAsync(
        IStore store,
        VmId vm,
        IGuestFactory guests,
        TimeProvider clock,
        Action<ReplayProgress>? progress,
        CancellationToken cancellationToken) => await ReplayAsync(
            store,
            await ReadHistoryAsync(store, vm, cancellationToken),
            ReplayRange.All,
            guests,
            clock,
            progress,
            cancellationToken);

    /// <summary>The same for a part of a VM's life.</summary>
    /// <param name="progress">Called after each slice, with where the replay is.</param>
    /// <exception cref="StoreCorruptException">A snapshot or a page does not fit its digest.</exception>
    public static async Task<ReplayReport> ReplayAsync(
        IStore store,
        VmHistory history,
        ReplayRange range,
        IGuestFactory guests,
        TimeProvider clock,
        Action<ReplayProgress>? progress,
        CancellationToken cancellationToken)
    {
        SnapshotRecord first = range.SnapshotId is { } id
            ? await store.FindByIdAsync(history.Vm, id, cancellationToken)
                ?? throw new StoreCorruptException($"Expected snapshot {id} of {history.Vm}, found none.")
            : await FirstSnapshotAsync(store, history.Vm, cancellationToken);
        ImmutableArray<ReplayEvent> events = Cut(history.Behind(first), range);
        MachineState machine = SnapshotCodec.Decode(first.State);
        IReadOnlyList<ReadOnlyMemory<byte>> bytes =
            await store.GetAsync([.. first.Pages.Select(page => page.Digest)], cancellationToken);
        using ConsoleHash console = new();
        using IGuest guest = guests.Restore(
            history.FoldVm().Spec, machine, first.Pages.Select((page, at) => ((int)page.PageNumber, bytes[at])));
        GuestReplay replay = new(guest, machine.ConsoleBytes, events, console.Take);
        ReplayReport report = Replay(
            range.UntilVmTime ?? (events.IsEmpty ? first.VmTime : events[^1].VmTime),
            replay,
            events.Length,
            guest,
            console,
            clock,
            progress,
            cancellationToken);
        SnapshotCheck check = new(store, guests, history.FoldVm().Spec);
        Divergence? stored = range.ChecksSnapshots ? await check.RunAsync(events, cancellationToken) : null;
        return report with
        {
            Divergence = report.Divergence ?? stored,
            FromSnapshot = first.Id,
            FromVmTime = first.VmTime,
            SnapshotsCompared = check.Compared,
        };
    }

    private static ImmutableArray<ReplayEvent> Cut(ImmutableArray<ReplayEvent> events, ReplayRange range)
    {
        if (range.UntilEvent is { } last)
        {
            // An event that the first snapshot has in it leaves nothing to replay.
            int at = events.IndexOf(events.FirstOrDefault(next => (next.Stream, next.Seq) == last)!);
            return events[..(at + 1)];
        }

        return range.UntilVmTime is { } until ? [.. events.TakeWhile(next => next.VmTime <= until)] : events;
    }

    /// <summary>Reads a VM's journal, whoever owns it.</summary>
    /// <exception cref="KeyNotFoundException">There is no such VM.</exception>
    public static async Task<VmHistory> ReadHistoryAsync(IStore store, VmId vm, CancellationToken cancellationToken)
    {
        // One query, so that the rows belong together; no lock, so that a store opened only to read will do.
        StreamRow[] rows = [.. (await store.ListAsync(cancellationToken)).Where(row => row.Stream.Vm == vm)];
        return rows.Length > 0
            ? await VmHistory.ReadAsync(store, VmRows.Of(rows), cancellationToken)
            : throw new KeyNotFoundException($"Expected a VM named {vm} in the store, found none. See: vm list.");
    }

    /// <summary>The snapshot that the VM's journal begins with: at VM time 0, or at what it was restored or forked
    /// from.</summary>
    /// <exception cref="StoreCorruptException">There is none, or it is damaged.</exception>
    public static async Task<SnapshotRecord> FirstSnapshotAsync(
        IStore store, VmId vm, CancellationToken cancellationToken)
    {
        IReadOnlyList<SnapshotSummary> all = await store.ListSnapshotsAsync(vm, cancellationToken);
        SnapshotRecord? first = all is [var least, ..]
            ? await store.FindByIdAsync(vm, least.Id, cancellationToken)
            : null;
        return first ?? throw new StoreCorruptException(
            $"Expected the snapshot of {vm} that was taken at its creation, found none. Restore the store from a "
            + "backup.");
    }

    private static ReplayReport Replay(
        ulong until,
        GuestReplay replay,
        int eventCount,
        IGuest guest,
        ConsoleHash console,
        TimeProvider clock,
        Action<ReplayProgress>? progress,
        CancellationToken cancellationToken)
    {
        long begun = clock.GetTimestamp();
        long looked = begun;
        while (replay.Step(() => clock.GetElapsedTime(looked) >= ReplayProgress.Interval)
            || (replay.Divergence is null && RunOn(guest, until, console, () => clock.GetElapsedTime(looked))))
        {
            cancellationToken.ThrowIfCancellationRequested();
            looked = clock.GetTimestamp();
            progress?.Invoke(new ReplayProgress(replay.EventsReplayed, eventCount, guest.VmTime, until));
        }

        TimeSpan took = clock.GetElapsedTime(begun);
        return new ReplayReport(
            replay.Divergence,
            replay.EventsReplayed,
            replay.PatchesSeen,
            replay.StatesCompared,
            replay.SumsCompared,
            took,
            guest.VmTime,
            guest.InstructionsRetired,
            guest.End,
            guest.HashState(),
            guest.SumMemory(),
            console.Finish())
        {
            EqualUntil = replay.EqualUntil,
            Vcpus = guest.Save().Vcpus,
        };
    }

    /// <summary>Behind the last event, to the VM time that was asked for.</summary>
    /// <returns>False once it is there.</returns>
    private static bool RunOn(IGuest guest, ulong until, ConsoleHash console, Func<TimeSpan> ran)
    {
        if (guest.VmTime >= until || guest.End is not null)
        {
            return false;
        }

        SliceResult slice = guest.RunSlice(new SliceLimits(until, () => ran() >= ReplayProgress.Interval));
        console.Take(slice.ConsoleOffset, slice.Console);
        return slice.Stop == SliceStop.Yielded;
    }

    private sealed class ConsoleHash : IDisposable
    {
        private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

        public void Take(ulong offset, ReadOnlyMemory<byte> bytes) => _hash.AppendData(bytes.Span);

        public string Finish() => Convert.ToHexStringLower(_hash.GetHashAndReset());

        public void Dispose() => _hash.Dispose();
    }
}
