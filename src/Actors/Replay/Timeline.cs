// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Vm;
using KvmActors.Cpu.Debugging;
using KvmActors.Machine;
using KvmActors.Persistence;

namespace KvmActors.Actors.Replay;

/// <summary>A recorded guest that can be put to any moment of its life, and run from there forwards and
/// backwards.</summary>
/// <remarks>
/// <para>The guest is a replica, rebuilt from the journal alone; the recorded one is never touched, wherever it is.
/// Going back is going to an earlier checkpoint and forwards again: as with rr and QEMU's reverse debugging, only that
/// the recording is the VM's ordinary journal, and several vCPUs are no obstacle.</para>
/// <para>Needs a store, which may be opened only to read, and nothing of a cluster. Not thread-safe. Its long methods
/// run the guest on the caller's thread, and look at their token about every ten thousand instructions: then they
/// answer <see cref="TimelineStop.Interrupted"/>.</para>
/// </remarks>
public sealed class Timeline : IDisposable
{
    /// <summary>Ticks that are run at once in a search for another vCPU's turn.</summary>
    private const ulong SearchTicks = 1024;

    /// <summary>Ticks of the first stretch that is searched backwards.</summary>
    private const ulong NearestReachTicks = 4096;

    /// <summary>Each further one reaches so many times as far, up to a checkpoint.</summary>
    private const ulong ReachGrowth = 8;

    private readonly IStore _store;
    private readonly Replica _replica;

    private bool _hasEnded;

    private Timeline(IStore store, Replica replica)
    {
        _store = store;
        _replica = replica;
        _hasEnded = History.FoldVm().End is not null;
    }

    /// <summary>The guest at <see cref="Now"/>, to be looked at and left as it is.</summary>
    public VirtualMachine Machine => _replica.Machine;

    /// <summary>What the journal says.</summary>
    public VmHistory History => _replica.History;

    public Moment Now => Machine.Debugger.Now;

    /// <summary>The first moment that can be reached.</summary>
    public Moment Start => new(_replica.Start);

    /// <summary>The last moment that the journal tells of.</summary>
    public Moment End => new(Math.Max(History.VmTime, _replica.Start));

    /// <summary>Opens a VM's past, at its start.</summary>
    /// <exception cref="KeyNotFoundException">There is no such VM.</exception>
    /// <exception cref="StoreCorruptException">A record or a snapshot is damaged.</exception>
    public static async Task<Timeline> OpenAsync(
        IStore store, VmId vm, TimeProvider clock, CancellationToken cancellationToken)
    {
        VmHistory history = await JournalReplayer.ReadHistoryAsync(store, vm, cancellationToken);
        return new Timeline(store, await Replica.OpenAsync(store, clock, history, cancellationToken));
    }

    /// <summary>Reads what the journal has got since: the VM runs, or ran.</summary>
    /// <returns>True if <see cref="End"/> is later now.</returns>
    public async Task<bool> ExtendAsync(CancellationToken cancellationToken)
    {
        Moment before = End;
        var rows = VmRows.Of(
            (await _store.ListAsync(cancellationToken)).Where(row => row.Stream.Vm == History.Vm));
        await _replica.ExtendAsync(await History.ExtendAsync(_store, rows, cancellationToken), cancellationToken);
        _hasEnded = History.FoldVm().End is not null;
        return End > before;
    }

    /// <summary>Goes to a moment. One with steps must exist: VM time may stand still for fewer.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Before the start, behind the end, or with too many
    /// steps.</exception>
    public async Task<TimelineStop> GoToAsync(Moment moment, CancellationToken stop)
    {
        if (moment < Start || moment.VmTime > End.VmTime)
        {
            throw new ArgumentOutOfRangeException(
                nameof(moment), moment, $"Expected a moment from {Start} to {End}, found {moment}.");
        }

        Machine.Debugger.Wish(GuestDebug.None);
        Checkpoint nearest = await _replica.CheckpointAsync(moment.VmTime, CancellationToken.None);
        if (moment < Now || nearest.VmTime > Now.VmTime || Machine.End is not null)
        {
            _replica.Return(nearest);
        }

        TimelineStop ran = _replica.Run(moment.VmTime, stop);
        while (ran is TimelineStop.Reached && Now < moment)
        {
            if (_replica.Step(moment.VmTime) is not { HasRetired: false } || Now.VmTime != moment.VmTime)
            {
                throw new ArgumentOutOfRangeException(
                    nameof(moment), moment, $"Expected at most the steps there are at VM time {moment.VmTime}.");
            }
        }

        return ran;
    }

    /// <summary>One step forwards: an instruction of one vCPU, or an exception or interrupt delivered to it. The others
    /// run until it is its turn.</summary>
    public TimelineStop Step(int vcpu, CancellationToken stop)
    {
        Machine.Debugger.Wish(GuestDebug.None);
        while (!stop.IsCancellationRequested)
        {
            if (IsAtEnd || _replica.Step(LastVmTime) is not { } stepped)
            {
                return new TimelineStop.AtEnd();
            }

            if (stepped.Index == vcpu)
            {
                return new TimelineStop.Reached();
            }
        }

        return new TimelineStop.Interrupted();
    }

    /// <summary>One step forwards, of whichever vCPU comes next.</summary>
    /// <param name="until">VM time that may pass at most while no vCPU can run.</param>
    /// <param name="before">Is told the vCPU that takes the step, before it does; perhaps twice.</param>
    /// <returns>Null where nothing ran until then, or the end is reached.</returns>
    public SteppedVcpu? StepNext(ulong until, Action<int>? before = null) =>
        IsAtEnd ? null : _replica.Step(Math.Min(until, LastVmTime), before);

    /// <summary>One step of a vCPU backwards.</summary>
    public async Task<TimelineStop> ReverseStepAsync(int vcpu, CancellationToken stop)
    {
        Moment now = Now;
        if (now.Step > 0 && Machine.Debugger.Current == vcpu)
        {
            return await GoToAsync(now with { Step = now.Step - 1 }, stop);
        }

        ulong retired = Machine.Debugger.InstructionsRetired(vcpu);
        Moment? before = await BeforeInstructionAsync(vcpu, retired, now, stop);
        if (before is null)
        {
            TimelineStop back = await GoToAsync(stop.IsCancellationRequested ? now : Start, CancellationToken.None);
            return stop.IsCancellationRequested ? new TimelineStop.Interrupted()
                : back is TimelineStop.Reached ? new TimelineStop.AtStart() : back;
        }

        return await GoToAsync(before.Value, CancellationToken.None);
    }

    /// <summary>Runs forwards until something of a debugger's wishes is met. What is met right here does not count.
    /// </summary>
    public TimelineStop Continue(GuestDebug wishes, CancellationToken stop)
    {
        Moment from = Now;
        Machine.Debugger.Wish(wishes);
        TimelineStop ran;
        do
        {
            ran = IsAtEnd ? new TimelineStop.AtEnd() : _replica.Run(LastVmTime, stop);
        }
        while (ran is TimelineStop.Met { Hit: DebugHit.Breakpoint } && Now == from);
        return ran is TimelineStop.Reached ? new TimelineStop.AtEnd() : ran;
    }

    /// <summary>Runs backwards until something of a debugger's wishes is met: the last time before now.</summary>
    public async Task<TimelineStop> ReverseContinueAsync(GuestDebug wishes, CancellationToken stop)
    {
        Moment now = Now;
        Moment until = now;
        ulong reach = NearestReachTicks;
        while (until > Start && !stop.IsCancellationRequested)
        {
            await BeginStretchAsync(until, reach, stop);
            Moment begin = new(Now.VmTime);
            reach *= until > new Moment(reach) ? ReachGrowth : 1;
            Machine.Debugger.Wish(wishes);
            (Moment At, DebugHit Hit)? met = LastMet(until, now, stop);
            if (stop.IsCancellationRequested)
            {
                break;
            }

            if (met is { } found)
            {
                _ = await GoToAsync(found.At, CancellationToken.None);
                TimelineStop reached = new TimelineStop.Met(found.Hit);
                return found.Hit is DebugHit.Watch
                    && await ReverseStepAsync(found.Hit.VcpuIndex, stop) is TimelineStop.Interrupted
                    ? new TimelineStop.Interrupted()
                    : reached;
            }

            until = begin;
        }

        bool isStopped = stop.IsCancellationRequested;
        _ = await GoToAsync(isStopped ? now : Start, CancellationToken.None);
        return isStopped ? new TimelineStop.Interrupted() : new TimelineStop.AtStart();
    }

    public void Dispose() => _replica.Dispose();

    /// <summary>A guest that ended by itself may be followed to its end, which can be behind the last instruction.
    /// </summary>
    private ulong LastVmTime => _hasEnded ? End.VmTime + 1 : End.VmTime;

    private bool IsAtEnd => Machine.End is not null || Now.VmTime >= LastVmTime;

    /// <summary>Goes to where a stretch begins that ends at a moment: the checkpoint before that or, where this is
    /// nearer, so many ticks before it. What is watched makes a run slow, so the first stretches are short; what leads
    /// to them runs without wishes.</summary>
    private async Task BeginStretchAsync(Moment until, ulong reach, CancellationToken stop)
    {
        ulong last = until.Step > 0 ? until.VmTime : until.VmTime - Math.Min(1, until.VmTime);
        Checkpoint from = await _replica.CheckpointAsync(last, CancellationToken.None);
        _replica.Return(from);
        ulong begin = last - Math.Min(last, reach);
        if (begin > from.VmTime)
        {
            Machine.Debugger.Wish(GuestDebug.None);
            _ = _replica.Run(begin, stop);
        }
    }

    /// <summary>Goes to less than <see cref="SearchTicks"/> before a vCPU's retired-th instruction, which is not behind
    /// here: by stretches that double until one is too long, and then are halved.</summary>
    private async Task SearchTurnAsync(int vcpu, ulong retired, CancellationToken stop)
    {
        ulong stretch = SearchTicks;
        bool isClose = false;
        while (!stop.IsCancellationRequested)
        {
            // VM time goes on with each instruction of any vCPU, so that many ticks cannot be too many.
            ulong missing = retired - 1 - Machine.Debugger.InstructionsRetired(vcpu);
            ulong start = Now.VmTime;
            _replica.Keep();
            _ = _replica.Run(start + Math.Max(stretch, missing), stop);
            if (Machine.Debugger.InstructionsRetired(vcpu) < retired)
            {
                stretch = isClose ? stretch : 2 * stretch;
                continue;
            }

            _replica.Return(await _replica.CheckpointAsync(start, CancellationToken.None));
            if (stretch == SearchTicks)
            {
                return;
            }

            isClose = true;
            stretch /= 2;
        }
    }

    /// <summary>What is met last on the way from here to a moment.</summary>
    /// <param name="until">Where the way ends.</param>
    /// <param name="now">Where the debugger stands: a breakpoint there does not count.</param>
    private (Moment At, DebugHit Hit)? LastMet(Moment until, Moment now, CancellationToken stop)
    {
        (Moment, DebugHit)? met = null;
        while (_replica.Run(until.VmTime, stop) is TimelineStop.Met { Hit: { } hit })
        {
            met = IsBefore(hit, now) ? (Now, hit) : met;
        }

        while (Now < until && !stop.IsCancellationRequested && _replica.Step(until.VmTime) is { } stepped)
        {
            met = stepped.Hit is { } hit && IsBefore(hit, now) ? (Now, hit) : met;
        }

        return met;
    }

    private bool IsBefore(DebugHit hit, Moment now) => Now < now || (hit is DebugHit.Watch && Now == now);

    /// <summary>The last moment before a vCPU's retired-th instruction; null if it has none before.</summary>
    private async Task<Moment?> BeforeInstructionAsync(
        int vcpu, ulong retired, Moment now, CancellationToken stop)
    {
        Checkpoint from = await _replica.CheckpointAsync(now.VmTime, CancellationToken.None);
        while (from.InstructionsRetired(vcpu) >= retired)
        {
            if (from.VmTime <= _replica.Start)
            {
                return null;
            }

            from = await _replica.CheckpointAsync(from.VmTime - 1, CancellationToken.None);
        }

        Machine.Debugger.Wish(GuestDebug.None);
        _replica.Return(from);
        await SearchTurnAsync(vcpu, retired, stop);
        while (!stop.IsCancellationRequested)
        {
            Moment before = Now;
            if (_replica.Step(now.VmTime) is null)
            {
                return null;
            }

            if (Machine.Debugger.InstructionsRetired(vcpu) == retired)
            {
                return before;
            }
        }

        return null;
    }
}
