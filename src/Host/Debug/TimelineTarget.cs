// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Replay;
using KvmActors.Cpu;
using KvmActors.Cpu.Debugging;
using KvmActors.Cpu.Memory;
using KvmActors.Cpu.State;
using KvmActors.Machine;

namespace KvmActors.Host.Debug;

/// <summary>A VM's past as a debugger's target.</summary>
/// <param name="timeline">Belongs to this from now on.</param>
internal sealed class TimelineTarget(Timeline timeline) : IDebugTarget
{
    private (Moment At, MachineState State)? _state;
    private Moment? _brokeAt;

    public int VcpuCount => timeline.Machine.Spec.VcpuCount;

    public Moment Now => timeline.Now;

    public Moment Start => timeline.Start;

    public Moment End => timeline.End;

    public MachineState State
    {
        get
        {
            if (_state is not { } known || known.At != Now)
            {
                _state = known = (Now, timeline.Machine.Save());
            }

            return known.State;
        }
    }

    public ulong InstructionsRetired => timeline.Machine.InstructionsRetired;

    /// <summary>The guest has come to its end, and the journal says so: nothing will follow.</summary>
    public bool HasEnded { get; private set; } = timeline.History.FoldVm().End is not null;

    public void Dispose() => timeline.Dispose();

    /// <summary>Reads what the journal has got since.</summary>
    /// <returns>True if <see cref="End"/> is later now.</returns>
    public async Task<bool> ExtendAsync(CancellationToken stop)
    {
        _state = null;
        bool isLater = await timeline.ExtendAsync(stop).ConfigureAwait(false);
        HasEnded = timeline.History.FoldVm().End is not null;
        return isLater;
    }

    public Gpa? Translate(int vcpu, Gva address) => timeline.Machine.Debugger.Translate(vcpu, address);

    public int ReadVirtual(int vcpu, Gva start, Span<byte> destination)
    {
        int read = 0;
        while (read < destination.Length && start.Value + (ulong)read >= start.Value)
        {
            Gva next = new(start.Value + (ulong)read);
            int inPage = GuestMemory.PageBytes - (int)(next.Value % GuestMemory.PageBytes);
            int wanted = Math.Min(inPage, destination.Length - read);
            int got = Translate(vcpu, next) is { } physical
                ? ReadPhysical(physical, destination.Slice(read, wanted))
                : 0;
            read += got;
            if (got < wanted)
            {
                break;
            }
        }

        return read;
    }

    public int ReadPhysical(Gpa start, Span<byte> destination)
    {
        GuestMemory memory = timeline.Machine.Memory;
        int count = (int)Math.Min((ulong)destination.Length, memory.RamFrom(start));
        if (count > 0)
        {
            memory.Read(start, destination[..count]);
        }

        return count;
    }

    public async Task<DebugStop> RunAsync(DebugRun run, CancellationToken interrupt)
    {
        _state = null;
        if (run is { IsReverse: false, SteppedVcpu: null } && BreakpointHere(run.Wishes) is { } here)
        {
            _brokeAt = Now;
            return here;
        }

        TimelineStop stop = (run.SteppedVcpu, run.IsReverse) switch
        {
            ({ } vcpu, true) => await timeline.ReverseStepAsync(vcpu, interrupt).ConfigureAwait(false),
            ({ } vcpu, false) => timeline.Step(vcpu, interrupt),
            (null, true) => await timeline.ReverseContinueAsync(run.Wishes, interrupt).ConfigureAwait(false),
            (null, false) => timeline.Continue(run.Wishes, interrupt),
        };
        _brokeAt = stop is TimelineStop.Met { Hit: DebugHit.Breakpoint } ? Now : null;
        return Tell(stop, run.SteppedVcpu);
    }

    /// <exception cref="CliFault">VM time stands still there for fewer steps.</exception>
    public async Task<DebugStop> GoToAsync(Moment moment, CancellationToken interrupt)
    {
        _state = null;
        try
        {
            return Tell(await timeline.GoToAsync(moment, interrupt).ConfigureAwait(false), steppedVcpu: null);
        }
        catch (ArgumentOutOfRangeException fault)
        {
            throw new CliFault(
                $"Expected a moment of this guest, found {moment}: at VM time {moment.VmTime} it takes fewer steps "
                + "that cost no time.",
                fault);
        }
    }

    public IReadOnlyList<ReplayEvent> EventsAround(int before, int behind)
    {
        ulong now = Now.VmTime;
        int first = timeline.History.Events.TakeWhile(next => next.VmTime <= now).Count();
        return [.. timeline.History.Events.Skip(Math.Max(0, first - before)).Take(Math.Min(before, first) + behind)];
    }

    /// <summary>A breakpoint right where the guest stands that nobody was told of: another vCPU's was stepped over, or
    /// the journal ended here until now. What the timeline meets here does not count to it.</summary>
    private DebugStop.Breakpoint? BreakpointHere(GuestDebug wishes)
    {
        int vcpu = timeline.Machine.Debugger.Current;
        Gva next = timeline.Machine.Debugger.LinearRip(vcpu);
        return _brokeAt != Now && wishes.Breakpoints.Contains(next)
            && State.Vcpus[vcpu].Activity == VcpuActivity.Running
            ? new DebugStop.Breakpoint(vcpu, next)
            : null;
    }

    private DebugStop Tell(TimelineStop stop, int? steppedVcpu)
    {
        int vcpu = steppedVcpu ?? timeline.Machine.Debugger.Current;
        return stop switch
        {
            TimelineStop.Met { Hit: DebugHit.Breakpoint hit } => new DebugStop.Breakpoint(hit.VcpuIndex, hit.Address),
            TimelineStop.Met { Hit: DebugHit.Watch hit } => new DebugStop.Watch(hit.VcpuIndex, hit.Watchpoint),
            TimelineStop.AtStart => new DebugStop.AtStart(vcpu),
            TimelineStop.AtEnd => new DebugStop.AtEnd(vcpu),
            TimelineStop.Interrupted => new DebugStop.Interrupted(vcpu),
            _ => new DebugStop.Reached(vcpu),
        };
    }
}
