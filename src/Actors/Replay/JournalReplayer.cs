// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using System.Security.Cryptography;
using KvmActors.Actors.Vm;
using KvmActors.Machine;
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
        CancellationToken cancellationToken)
    {
        VmHistory history = await ReadHistoryAsync(store, vm, cancellationToken);
        SnapshotRecord first = await FirstSnapshotAsync(store, vm, cancellationToken);
        MachineState machine = SnapshotCodec.Decode(first.State);
        IReadOnlyList<ReadOnlyMemory<byte>> bytes =
            await store.GetAsync([.. first.Pages.Select(page => page.Digest)], cancellationToken);
        using IGuest guest = guests.Restore(
            history.FoldVm().Spec, machine, first.Pages.Select((page, at) => ((int)page.PageNumber, bytes[at])));
        return Replay(history, first, guest, machine.ConsoleBytes, clock, progress, cancellationToken);
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
        VmHistory history,
        SnapshotRecord first,
        IGuest guest,
        ulong consoleBytes,
        TimeProvider clock,
        Action<ReplayProgress>? progress,
        CancellationToken cancellationToken)
    {
        using var console = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        ImmutableArray<ReplayEvent> events = history.Behind(first);
        GuestReplay replay = new(guest, consoleBytes, events, (_, bytes) => console.AppendData(bytes.Span));
        long begun = clock.GetTimestamp();
        long looked = begun;
        while (replay.Step(() => clock.GetElapsedTime(looked) >= ReplayProgress.Interval))
        {
            cancellationToken.ThrowIfCancellationRequested();
            looked = clock.GetTimestamp();
            progress?.Invoke(new ReplayProgress(replay.EventsReplayed, events.Length, guest.VmTime, history.VmTime));
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
            Convert.ToHexStringLower(console.GetHashAndReset()));
    }
}
