// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Actors.Cluster;
using KvmActors.Actors.Kernel;
using KvmActors.Actors.Vcpu;
using KvmActors.Cpu.Cpuid;
using KvmActors.Machine;
using KvmActors.Persistence;
using KvmActors.Persistence.Events;
using KvmActors.Persistence.Journal;

namespace KvmActors.Actors.Vm;

/// <summary>A VM that this node owns: its guest, its fence rows, what its journal says and its console. All I/O of the
/// VM actor between a decision and its durability is here.</summary>
/// <remarks>
/// The next slice runs while the append of the last one is under way; there is never more than one append and one slice
/// of speculation. What a slice put out enters <see cref="Output"/> only behind its commit. Owned by one actor.
/// </remarks>
internal sealed class VmSession : IAsyncDisposable
{
    /// <summary>In snapshot intervals: a move reads and sends the memory that a snapshot would.</summary>
    private const ulong SnapshotsPutOffByMove = 20;

    private readonly VmServices _services;
    private readonly SnapshotDrafts _snapshots;
    private readonly ISliceRunner _runner;
    private readonly CaptureSchedule _captures;
    private long _progressAt;
    private ulong _snapshotAt;
    private readonly GuestRest _rest;
    private bool _isIdle;

    public VmSession(VmServices services, VmSessionStart start, ISliceRunner runner)
    {
        _services = services;
        _runner = runner;
        _snapshots = new SnapshotDrafts(services, new SnapshotPages(start.SnapshotPages));
        Rows = start.Rows;
        Birth = start.Birth;
        State = start.State;
        Vcpus = start.Vcpus;
        Output = start.Console;
        LastMachine = start.Machine;
        SeenVmTime = start.Guest.VmTime;
        SeenInstructions = start.Guest.InstructionsRetired;
        Slices = new GuestSlices(start.Guest, runner, services.Clock, services.Gate, services.Options);
        if (start.NextSnapshotIsFull)
        {
            Slices.TakeAllAtNextSnapshot();
        }

        _rest = new GuestRest(services.Clock);
        _captures = new CaptureSchedule(services.Clock, services.Options, start.Guest.InstructionsRetired);
        SetDueTimes();
    }

    public VmRows Rows { get; private set; }

    /// <inheritdoc cref="Replay.VmHistory.Birth"/>
    public Digest Birth { get; }

    public VmState State { get; private set; }

    public ImmutableArray<VcpuActorState> Vcpus { get; private set; }

    /// <summary>What was released so far.</summary>
    public ConsoleLog Output { get; }

    public InputQueue Inputs { get; } = new();

    public GuestSlices Slices { get; }

    /// <summary>CPU and devices at the last captured Progress.</summary>
    public MachineState? LastMachine { get; private set; }

    /// <summary>The last captured Progress of this session.</summary>
    public CapturedProgress? LastProgress { get; private set; }

    /// <summary>Where the guest was at its last slice's end; the slice that runs now is ahead.</summary>
    public ulong SeenVmTime { get; private set; }

    public ulong SeenInstructions { get; private set; }

    /// <summary>Timestamp of the clock behind the guest's last instruction; null before its first slice here.</summary>
    public long? StoodStillAt { get; private set; }

    /// <summary>Another node has the VM: nothing may run or leave any more.</summary>
    public bool IsLost { get; private set; }

    /// <summary>The guest stands still until this is cleared, whatever its lifecycle says: a move is at its
    /// end.</summary>
    public bool IsHeld { get; set; }

    public IGuest Guest => Slices.Guest;

    private bool CanRun => State.Lifecycle == VmLifecycle.Running
        && !IsHeld
        && !IsLost
        && Guest.End is null
        && _services.Gate.IsOpen
        && !(_isIdle && Inputs.IsEmpty);

    /// <summary>How long the guest, all of whose vCPUs stand still, waits for its next timer: zero if it is due by now.
    /// Null where it does not wait for one.</summary>
    public TimeSpan? RestLeft =>
        Slices.Current is null && CanRun && _rest.IsResting ? _rest.Left : null;

    /// <inheritdoc cref="VmState.NextSnapshotId"/>
    public ulong NextSnapshotId(ulong retired) =>
        State.NextSnapshotId(retired, _services.Options.SnapshotIntervalTicks);

    /// <summary>Starts the next slice, if none runs and the guest may run.</summary>
    /// <returns>The slice, or null.</returns>
    public Task<SliceCapture>? StartSlice(CancellationToken cancellationToken)
    {
        if (Slices.Current is not null || !CanRun || (_rest.Left > TimeSpan.Zero && Inputs.IsEmpty))
        {
            return null;
        }

        // Input reaches a guest that rests at the VM time it has come to by now.
        bool catchesUp = _rest.CatchUp(hasInput: !Inputs.IsEmpty);
        ImmutableArray<byte> input = catchesUp ? [] : Inputs.Enter(Guest.InputRoomBytes);

        // An instruction takes a tick, so neither is due earlier than so many ticks from now. A rest costs nothing.
        ulong snapshotAt = SnapshotAt();
        ulong memorySumAt = _captures.MemorySumAt(Guest.InstructionsRetired);
        ulong due = Math.Max(Math.Min(snapshotAt, memorySumAt) - Guest.InstructionsRetired, 1);
        ulong room = ulong.MaxValue - Guest.VmTime;
        ulong until = Guest.VmTime + Math.Min(room, Math.Min(due, _services.Options.SliceTicksMax));
        ulong standStillUntil = ulong.MaxValue;
        if (_services.Options.IdleTimeIsReal)
        {
            standStillUntil = _rest.StandStillUntil(Guest.VmTime);
            until = Math.Max(until, standStillUntil);
        }

        _isIdle = false;
        return Slices.Start(
            new SliceRequest(until, input, snapshotAt, memorySumAt, _progressAt)
            {
                StandStillUntil = standStillUntil,
            },
            cancellationToken);
    }

    private ulong SnapshotAt()
    {
        if (State.Move is not null)
        {
            ulong putOff = SnapshotsPutOffByMove * _services.Options.SnapshotIntervalTicks;
            return _snapshotAt + Math.Min(ulong.MaxValue - _snapshotAt, putOff);
        }

        // Asked at each slice: the wait behind the last snapshot may be over by now.
        return _snapshotAt = _captures.SnapshotAt(Guest.InstructionsRetired);
    }

    /// <summary>Takes a slice that has ended: journals what it did, and lets its output go.</summary>
    /// <param name="startNext">Called once the commit is put together, so that the next slice runs beside it.</param>
    public async Task<SliceOutcome> AbsorbAsync(
        SliceCapture slice, Action startNext, CancellationToken cancellationToken)
    {
        Slices.Fetch();
        _isIdle = slice.Result.Stop == Machine.Time.SliceStop.Idle;
        _rest.On(slice);
        SeenVmTime = slice.Result.VmTime;
        SeenInstructions = slice.Result.InstructionsRetired;
        StoodStillAt = slice.EndedAt;
        PendingInput? input = Inputs.TakeEntered();
        if (slice.Progress is not { } progress)
        {
            startNext();
            return new SliceOutcome(IsLost: false, Answered: null);
        }

        Remember(progress);
        _captures.On(progress, SeenInstructions);
        SetDueTimes();
        Slices.IsCommitting = true;
        startNext();
        try
        {
            return await CommitAsync(slice, progress, input, cancellationToken);
        }
        finally
        {
            Slices.IsCommitting = false;
        }
    }

    private async Task<SliceOutcome> CommitAsync(
        SliceCapture slice, CapturedProgress progress, PendingInput? input, CancellationToken cancellationToken)
    {
        long begunAt = _services.Clock.GetTimestamp();
        VmCommit.SnapshotDraft? snapshot = IsHeld && progress.TakesSnapshot
            ? WithoutSnapshot()
            : await _snapshots.TryDraftAsync(
                Rows, NextSnapshotId(slice.Result.InstructionsRetired), Output, slice, progress, cancellationToken);
        DedupEntry? reply = input is null ? null : ReplyCodec.Entry(State.Vm.Stream, input.Command, input.Reply);
        VmCommit.Prepared Prepare(VmCommit.SnapshotDraft? with) =>
            SliceJournal.Prepare(Rows, State, Vcpus, slice, progress, input?.Command, reply, with);
        VmCommit.Prepared commit = Prepare(snapshot);
        _captures.OnWorkedOff(progress, begunAt);
        if (!await CommitAsync(commit, () => Prepare(null), cancellationToken))
        {
            return new SliceOutcome(IsLost: true, input);
        }

        Output.Append(slice.Result.ConsoleOffset, slice.Result.Console.Span);
        return new SliceOutcome(IsLost: false, input);
    }

    /// <summary>Ends the running slice, if one runs, and takes it. The guest may be borrowed afterwards.</summary>
    public async Task<SliceOutcome> EndSliceAsync(CancellationToken cancellationToken)
    {
        if (Slices.Current is not { } running)
        {
            return new SliceOutcome(IsLost, Answered: null);
        }

        Slices.AskToStop();
        return await AbsorbAsync(await running, static () => { }, cancellationToken);
    }

    /// <summary>Ends the running slice and makes everything up to its end durable.</summary>
    /// <param name="withMemory">Journal a Progress with the memory's sum in any case.</param>
    public async Task<SliceOutcome> SettleAsync(bool withMemory, CancellationToken cancellationToken)
    {
        SliceOutcome outcome = await EndSliceAsync(cancellationToken);
        _rest.Forget();
        if (outcome.IsLost || (!withMemory && Guest.VmTime == State.VmTime))
        {
            return outcome;
        }

        Remember(await Slices.CaptureAsync(withMemory, cancellationToken));
        return outcome with { IsLost = !await CommitProgressAsync(cancellationToken) };
    }

    /// <summary>Ends the running slice, and captures the guest with the memory's sum and these pages. The Progress is
    /// left to <see cref="CommitProgressAsync"/>.</summary>
    public async Task<(SliceOutcome Outcome, ImmutableArray<CapturedPage> Pages)> StandStillAsync(
        Func<IGuest, IEnumerable<int>> pages, CancellationToken cancellationToken)
    {
        SliceOutcome outcome = await EndSliceAsync(cancellationToken);
        _rest.Forget();
        if (outcome.IsLost || State.End is not null)
        {
            return (outcome, []);
        }

        (CapturedProgress progress, ImmutableArray<CapturedPage> copied) =
            await Slices.CaptureAsync(pages, cancellationToken);
        Remember(progress);
        return (outcome, copied);
    }

    /// <summary>Makes the last captured Progress of the guest, which stands where it was captured, durable.</summary>
    /// <returns>False where another node has the VM.</returns>
    public Task<bool> CommitProgressAsync(CancellationToken cancellationToken) => CommitAsync(
        VmCommit.On(Rows).Add(Rows.Own.Stream, Guest.VmTime, SliceJournal.ProgressOf(LastProgress!)).Build(),
        cancellationToken);

    /// <summary>Takes a snapshot of the guest, which stands still and is settled, and makes it durable.</summary>
    /// <param name="reply">To the command that asked for it.</param>
    /// <returns>False where another node has the VM. The row has the snapshot's id, unless its pages were collected
    /// meanwhile: then the next one is whole.</returns>
    /// <exception cref="StoreUnavailableException">Its pages could not be stored; the next snapshot has them.
    /// </exception>
    public async Task<bool> TakeSnapshotAsync(DedupEntry reply, CancellationToken cancellationToken)
    {
        CapturedProgress progress = await Slices.CaptureSnapshotAsync(cancellationToken);
        Remember(progress);
        ulong id = NextSnapshotId(Guest.InstructionsRetired);
        if (await _snapshots.DraftAsync(id, Output, progress, cancellationToken) is not { } draft)
        {
            return true;
        }

        VmCommit WithProgress() =>
            VmCommit.On(Rows).Add(Rows.Own.Stream, draft.VmTime, SliceJournal.ProgressOf(progress));
        VmCommit commit = WithProgress()
            .Add(
                Rows.Own.Stream,
                draft.VmTime,
                new JournalEvent.SnapshotTaken(draft.Id, progress.State, progress.Memory!.Value))
            .Take(draft)
            .Answer(reply);
        return await CommitAsync(commit.Build(), () => WithProgress().Build(), cancellationToken);
    }

    /// <summary>Gives the guest, which stands still, a table that is journaled.</summary>
    public async Task SetCpuidAsync(int vcpu, CpuidTable table, CancellationToken cancellationToken) =>
        LastMachine = await Slices.BorrowAsync(
            guest =>
            {
                guest.SetCpuid(vcpu, table);
                return guest.Save();
            },
            cancellationToken);

    /// <summary>Makes a commit durable and folds it.</summary>
    /// <returns>False where another node has the VM: nothing of this session may leave any more.</returns>
    public Task<bool> CommitAsync(VmCommit.Prepared commit, CancellationToken cancellationToken) =>
        CommitAsync(commit, withoutSnapshot: null, cancellationToken);

    /// <param name="withoutSnapshot">The commit to send where the snapshot's pages were collected meanwhile.</param>
    private async Task<bool> CommitAsync(
        VmCommit.Prepared commit, Func<VmCommit.Prepared>? withoutSnapshot, CancellationToken cancellationToken)
    {
        CommitResult result = await _services.Writer.CommitAsync(commit.Transaction, cancellationToken);
        switch (result)
        {
            case CommitResult.Committed:
                Fold(commit);
                return true;
            case CommitResult.PagesGone when withoutSnapshot is not null:
                _ = WithoutSnapshot();
                return await CommitAsync(withoutSnapshot(), withoutSnapshot: null, cancellationToken);
            case CommitResult.Fenced fenced:
                IsLost = true;
                _services.Observer.On(new ClusterEvent.VmFenced(State.Vm, fenced.Offered));
                return false;
            default:
                throw new InvalidOperationException(
                    $"Expected a commit of {State.Vm} under epoch {Rows.Epoch} to land or to be fenced, "
                    + $"found {result}.");
        }
    }

    /// <summary>Stops the guest and frees it. A slice that still runs is waited for.</summary>
    public async ValueTask DisposeAsync()
    {
        Slices.AskToStop();
        if (Slices.Current is { } running)
        {
            try
            {
                await running;
            }
            catch (Exception failure) when (failure is not OutOfMemoryException)
            {
                // Whoever started the slice has met its failure; here only its end matters.
            }
        }

        Guest.Dispose();
        await RunnerEnd.DisposeAsync(_runner);
    }

    /// <summary>A guest that stands still for its move does not wait for its pages to be stored: the next snapshot is
    /// whole, wherever it is taken.</summary>
    private VmCommit.SnapshotDraft? WithoutSnapshot()
    {
        _snapshots.Forget();
        Slices.TakeAllAtNextSnapshot();
        return null;
    }

    private void Fold(VmCommit.Prepared commit)
    {
        Rows = commit.After;
        foreach (VmCommit.Entry entry in commit.Entries)
        {
            int vcpu = entry.Stream.VcpuIndex;
            if (vcpu < 0)
            {
                State = State.Apply(entry.Event, entry.VmTime);
            }
            else
            {
                Vcpus = Vcpus.SetItem(vcpu, Vcpus[vcpu].Apply(entry.Event));
            }
        }
    }

    private void Remember(CapturedProgress progress)
    {
        LastProgress = progress;
        LastMachine = progress.Machine;
    }

    private void SetDueTimes()
    {
        ClusterNodeOptions options = _services.Options;
        long interval = (long)(options.ProgressInterval.TotalSeconds * _services.Clock.TimestampFrequency);
        _progressAt = _services.Clock.GetTimestamp() + interval;
        _snapshotAt = _captures.SnapshotAt(Guest.InstructionsRetired);
    }
}
