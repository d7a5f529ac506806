// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Actors.Vm;
using KvmActors.Cpu.Memory;
using KvmActors.Machine;
using KvmActors.Machine.Time;
using KvmActors.Persistence;
using KvmActors.Persistence.Snapshots;

namespace KvmActors.Actors.Replay;

/// <summary>A guest of our own that lives a recorded guest's life again, and can be put back to earlier moments of
/// it.</summary>
/// <remarks>While it runs it keeps a checkpoint every <see cref="CheckpointInterval"/>, or less often where keeping one
/// takes long, so that what lies just behind it is never far. Snapshots of the store serve where it keeps none. Not
/// thread-safe.</remarks>
internal sealed class Replica : IDisposable
{
    /// <summary>Wall time of running between two checkpoints.</summary>
    public static readonly TimeSpan CheckpointInterval = TimeSpan.FromMilliseconds(25);

    private const int CheckpointsMax = 64;

    /// <summary>Running takes at least so many times as long as keeping what was run to.</summary>
    private const int RunsPerKeep = 8;

    private const int PagesBatch = 256;

    private readonly IStore _store;
    private readonly TimeProvider _clock;
    private readonly CheckpointList _checkpoints = new(CheckpointsMax);
    private readonly Dictionary<Digest, byte[]> _storedPages = [];
    private readonly MachineGuest _guest;
    private ImmutableArray<SnapshotSummary> _snapshots;
    private ImmutableArray<ReplayEvent> _outside;
    private ImmutableDictionary<StreamId, ulong> _applied;
    private PageMap _pages;
    private int _next;
    private TimeSpan _keepsAfter = CheckpointInterval;

    private Replica(
        IStore store,
        TimeProvider clock,
        VmHistory history,
        ImmutableArray<SnapshotSummary> snapshots,
        VirtualMachine machine,
        PageMap none)
    {
        _store = store;
        _clock = clock;
        _snapshots = snapshots;
        Machine = machine;
        _guest = new MachineGuest(machine);
        _applied = ImmutableDictionary<StreamId, ulong>.Empty;
        _pages = none;
        History = history;
        _outside = [.. history.Events.Where(OutsideEvents.Contains)];
    }

    public VirtualMachine Machine { get; }

    public VmHistory History { get; private set; }

    /// <summary>VM time of the first snapshot.</summary>
    public ulong Start => _snapshots[0].VmTime;

    /// <summary>Stands at the first snapshot.</summary>
    /// <exception cref="StoreCorruptException">The store has no snapshot of the VM, or a damaged one.</exception>
    public static async Task<Replica> OpenAsync(
        IStore store, TimeProvider clock, VmHistory history, CancellationToken cancellationToken)
    {
        ImmutableArray<SnapshotSummary> snapshots =
            [.. await store.ListSnapshotsAsync(history.Vm, cancellationToken)];
        if (snapshots.IsEmpty)
        {
            throw new StoreCorruptException($"Expected a snapshot of {history.Vm}, found none.");
        }

        SnapshotRecord first = await FindAsync(store, history.Vm, snapshots[0].VmTime, cancellationToken);
        MachineSpec spec = history.FoldVm().Spec;
        var machine = VirtualMachine.Restore(spec, SnapshotCodec.Decode(first.State), []);
        Replica replica = new(store, clock, history, snapshots, machine, PageMap.Zero(machine.Memory.PageCount));
        try
        {
            replica.Return(await replica.LoadAsync(first, cancellationToken));
            return replica;
        }
        catch
        {
            machine.Dispose();
            throw;
        }
    }

    /// <summary>Takes a later state of the same journal.</summary>
    public async Task ExtendAsync(VmHistory later, CancellationToken cancellationToken)
    {
        _snapshots = [.. await _store.ListSnapshotsAsync(later.Vm, cancellationToken)];
        History = later;
        _outside = [.. later.Events.Where(OutsideEvents.Contains)];
        _next = 0;
    }

    /// <summary>The latest checkpoint at or before a VM time, which is not before the start; of the store's snapshots
    /// the latest, if that is later.</summary>
    public async Task<Checkpoint> CheckpointAsync(ulong vmTime, CancellationToken cancellationToken)
    {
        Checkpoint? kept = _checkpoints.AtOrBefore(vmTime);
        SnapshotSummary stored = _snapshots.Last(snapshot => snapshot.VmTime <= vmTime);
        if (kept is not null && kept.VmTime >= stored.VmTime)
        {
            return kept;
        }

        SnapshotRecord record = await FindAsync(_store, History.Vm, stored.VmTime, cancellationToken);
        Checkpoint loaded = await LoadAsync(record, cancellationToken);
        _checkpoints.Add(loaded);
        return loaded;
    }

    /// <summary>Puts the guest to a checkpoint.</summary>
    public void Return(Checkpoint checkpoint)
    {
        HashSet<int> pages = [.. Machine.Memory.TakeDirty(DirtyReader.Snapshot)];
        pages.UnionWith(checkpoint.Pages.DifferingFrom(_pages));
        Machine.ReturnTo(checkpoint.State, pages.Select(page => (page, checkpoint.Pages[page])));
        _ = Machine.Memory.TakeDirty(DirtyReader.Snapshot);
        _pages = checkpoint.Pages;
        _applied = checkpoint.Applied;
        _next = 0;
        _checkpoints.Add(checkpoint);
    }

    /// <summary>Runs until a VM time, or until a wish of the debugger is met.</summary>
    /// <param name="until">Exactly there it stops, settled, with all that entered at that VM time.</param>
    public TimelineStop Run(ulong until, CancellationToken stop)
    {
        long since = _clock.GetTimestamp();
        while (true)
        {
            Arrive();
            if (Machine.VmTime >= until)
            {
                return new TimelineStop.Reached();
            }

            SliceLimits limits = new(
                Math.Min(until, NextArrival ?? ulong.MaxValue),
                () => stop.IsCancellationRequested || _clock.GetElapsedTime(since) >= _keepsAfter);
            SliceResult slice = Machine.RunSlice(limits);
            if (slice.Hit is { } hit)
            {
                return new TimelineStop.Met(hit);
            }

            if (slice.Stop == SliceStop.Ended || (slice.Stop == SliceStop.Idle && NextArrival != Machine.VmTime))
            {
                return new TimelineStop.AtEnd();
            }

            if (stop.IsCancellationRequested)
            {
                return new TimelineStop.Interrupted();
            }

            if (slice.Stop == SliceStop.Yielded && _clock.GetElapsedTime(since) >= _keepsAfter)
            {
                long begun = _clock.GetTimestamp();
                Keep();
                since = _clock.GetTimestamp();
                TimeSpan enough = RunsPerKeep * _clock.GetElapsedTime(begun, since);
                _keepsAfter = enough > CheckpointInterval ? enough : CheckpointInterval;
            }
        }
    }

    /// <summary>Takes one step, and all that enters at the VM time it leads to.</summary>
    /// <param name="standStillUntil">VM time that may pass at most while no vCPU can run.</param>
    /// <param name="before">As <see cref="MachineDebugger.Step"/> has it.</param>
    public SteppedVcpu? Step(ulong standStillUntil, Action<int>? before = null)
    {
        SteppedVcpu? stepped;
        ulong limit;
        do
        {
            Arrive();
            limit = Math.Min(standStillUntil, NextArrival ?? ulong.MaxValue);
            stepped = Machine.Debugger.Step(limit, before);
        }
        while (stepped is null && NextArrival == limit && Machine.VmTime == limit);
        Arrive();
        return stepped;
    }

    /// <summary>Keeps a checkpoint of where the guest stands, which must be a settled state.</summary>
    public void Keep()
    {
        Arrive();
        ImmutableArray<int> dirty = Machine.Memory.TakeDirty(DirtyReader.Snapshot);
        _pages = _pages.With(dirty.Select(
            page => (page, Machine.Memory.IsZero(page) ? null : Machine.Memory.Page(page).ToArray())));
        _checkpoints.Add(new Checkpoint(Machine.Save(), _pages, _applied));
    }

    public void Dispose() => Machine.Dispose();

    /// <summary>VM time of the next event that enters from outside, or null.</summary>
    private ulong? NextArrival
    {
        get
        {
            while (_next < _outside.Length && IsApplied(_outside[_next]))
            {
                _next++;
            }

            return _next < _outside.Length ? _outside[_next].VmTime : null;
        }
    }

    private bool IsApplied(ReplayEvent next) => _applied.GetValueOrDefault(next.Stream) >= next.Seq;

    private void Arrive()
    {
        // Not between two settled states: what is due there has entered before the first step.
        while (NextArrival <= Machine.VmTime && Machine.Debugger.Now.Step == 0)
        {
            ReplayEvent next = _outside[_next];
            OutsideEvents.Apply(_guest, next);
            _applied = _applied.SetItem(next.Stream, next.Seq);
        }
    }

    private static async Task<SnapshotRecord> FindAsync(
        IStore store, VmId vm, ulong vmTime, CancellationToken cancellationToken) =>
        await store.FindAsync(vm, vmTime, cancellationToken)
        ?? throw new StoreCorruptException($"Expected a snapshot of {vm} at VM time {vmTime}, found none.");

    private async Task<Checkpoint> LoadAsync(SnapshotRecord snapshot, CancellationToken cancellationToken)
    {
        foreach (PageReference[] batch in
            snapshot.Pages.Where(page => !_storedPages.ContainsKey(page.Digest)).Chunk(PagesBatch))
        {
            ImmutableArray<Digest> digests = [.. batch.Select(page => page.Digest).Distinct()];
            IReadOnlyList<ReadOnlyMemory<byte>> pages = await _store.GetAsync(digests, cancellationToken);
            for (int index = 0; index < digests.Length; index++)
            {
                _storedPages[digests[index]] = pages[index].ToArray();
            }
        }

        PageMap map = PageMap.Zero(Machine.Memory.PageCount)
            .With(snapshot.Pages.Select(page => ((int)page.PageNumber, (byte[]?)_storedPages[page.Digest])));
        return new Checkpoint(
            SnapshotCodec.Decode(snapshot.State), map, snapshot.Heads.ToImmutableDictionary(h => h.Stream, h => h.Seq));
    }
}
