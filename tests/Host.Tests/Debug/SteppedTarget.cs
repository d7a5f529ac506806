// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Replay;
using KvmActors.Cpu;
using KvmActors.Cpu.Debugging;
using KvmActors.Host.Debug;
using KvmActors.Machine;
using KvmActors.Machine.Time;

namespace KvmActors.Host.Tests.Debug;

/// <summary>A debugged guest made the plain way: it is run once from its start, instruction by instruction, and what
/// each one did is written down. Everything else is a search in that list, or a run from the start.</summary>
internal sealed class SteppedTarget : IDebugTarget
{
    private readonly Func<VirtualMachine> _create;
    private readonly IReadOnlyList<(int Vcpu, Gva Rip)> _steps;
    private VirtualMachine _machine;
    private (ulong VmTime, MachineState State)? _state;

    /// <param name="steps">What <see cref="Record"/> gave for the same guest.</param>
    public SteppedTarget(Func<VirtualMachine> create, IReadOnlyList<(int Vcpu, Gva Rip)> steps)
    {
        _create = create;
        _steps = steps;
        _machine = create();
    }

    /// <summary>Runs a guest to its end, or so many instructions.</summary>
    public static IReadOnlyList<(int Vcpu, Gva Rip)> Record(Func<VirtualMachine> create, ulong ticks)
    {
        List<(int Vcpu, Gva Rip)> steps = [];
        using VirtualMachine machine = create();
        MachineState before = machine.Save();
        while (machine.VmTime < ticks && machine.End is null)
        {
            RunTo(machine, machine.VmTime + 1);
            MachineState after = machine.Save();
            int vcpu = after.Vcpus.Zip(before.Vcpus)
                .TakeWhile(pair => pair.First.InstructionsRetired == pair.Second.InstructionsRetired)
                .Count() % machine.Spec.VcpuCount;
            steps.Add((vcpu, GuestMode.LinearRip(before.Vcpus[vcpu])));
            before = after;
        }

        return steps;
    }

    public int VcpuCount => _machine.Spec.VcpuCount;

    public Moment Now => new Moment(_machine.VmTime);

    public Moment Start => new Moment(0);

    public Moment End => new Moment((ulong)_steps.Count);

    public MachineState State
    {
        get
        {
            if (_state is not { } known || known.VmTime != _machine.VmTime)
            {
                _state = known = (_machine.VmTime, _machine.Save());
            }

            return known.State;
        }
    }

    public ulong InstructionsRetired => _machine.InstructionsRetired;

    /// <summary>The guest's instructions, in order: which vCPU, where.</summary>
    public IReadOnlyList<(int Vcpu, Gva Rip)> Steps => _steps;

    public void Dispose() => _machine.Dispose();

    /// <summary>Guests of these tests map what they use one to one.</summary>
    public Gpa? Translate(int vcpu, Gva address) =>
        _machine.Memory.RamFrom(new Gpa(address.Value)) > 0 ? new Gpa(address.Value) : null;

    public int ReadVirtual(int vcpu, Gva start, Span<byte> destination) =>
        ReadPhysical(new Gpa(start.Value), destination);

    public int ReadPhysical(Gpa start, Span<byte> destination)
    {
        int count = (int)Math.Min((ulong)destination.Length, _machine.Memory.RamFrom(start));
        if (count > 0)
        {
            _machine.Memory.Read(start, destination[..count]);
        }

        return count;
    }

    public Task<DebugStop> GoToAsync(Moment moment, CancellationToken interrupt)
    {
        RunTo(moment.VmTime);
        return Task.FromResult<DebugStop>(new DebugStop.Reached(State.Runner));
    }

    public IReadOnlyList<ReplayEvent> EventsAround(int before, int behind) => [];

    public Task<DebugStop> RunAsync(DebugRun run, CancellationToken interrupt) =>
        Task.FromResult(run.IsReverse ? RunBack(run, interrupt) : RunOn(run, interrupt));

    private DebugStop RunOn(DebugRun run, CancellationToken interrupt)
    {
        while (Now != End)
        {
            if (interrupt.IsCancellationRequested)
            {
                return new DebugStop.Interrupted(State.Runner);
            }

            (int vcpu, Gva rip) = _steps[(int)_machine.VmTime];
            if (run.SteppedVcpu is null && run.Wishes.Breakpoints.Contains(rip))
            {
                return new DebugStop.Breakpoint(vcpu, rip);
            }

            byte[][] before = Watched(run);
            RunTo(_machine.VmTime + 1);
            if (run.SteppedVcpu == vcpu)
            {
                return new DebugStop.Reached(vcpu);
            }

            if (run.SteppedVcpu is null && Changed(run, before) is { } watchpoint)
            {
                return new DebugStop.Watch(vcpu, watchpoint);
            }
        }

        return new DebugStop.AtEnd(run.SteppedVcpu ?? State.Runner);
    }

    private DebugStop RunBack(DebugRun run, CancellationToken interrupt)
    {
        while (Now != Start)
        {
            if (interrupt.IsCancellationRequested)
            {
                return new DebugStop.Interrupted(State.Runner);
            }

            byte[][] behind = Watched(run);
            RunTo(_machine.VmTime - 1);
            (int vcpu, Gva rip) = _steps[(int)_machine.VmTime];
            if (run.SteppedVcpu == vcpu)
            {
                return new DebugStop.Reached(vcpu);
            }

            if (run.SteppedVcpu is null && Changed(run, behind) is { } watchpoint)
            {
                return new DebugStop.Watch(vcpu, watchpoint);
            }

            if (run.SteppedVcpu is null && run.Wishes.Breakpoints.Contains(rip))
            {
                return new DebugStop.Breakpoint(vcpu, rip);
            }
        }

        return new DebugStop.AtStart(run.SteppedVcpu ?? State.Runner);
    }

    private byte[][] Watched(DebugRun run) =>
    [
        .. run.Wishes.Watchpoints.Select(watch =>
        {
            byte[] bytes = new byte[watch.SizeBytes];
            _ = ReadPhysical(new Gpa(watch.Start.Value), bytes);
            return bytes;
        }),
    ];

    private Watchpoint? Changed(DebugRun run, byte[][] before) => Watched(run)
        .Zip(before, run.Wishes.Watchpoints)
        .Where(triple => !triple.First.AsSpan().SequenceEqual(triple.Second))
        .Select(triple => (Watchpoint?)triple.Third)
        .FirstOrDefault();

    private void RunTo(ulong vmTime)
    {
        if (vmTime < _machine.VmTime)
        {
            _machine.Dispose();
            _machine = _create();
        }

        _state = null;
        RunTo(_machine, vmTime);
    }

    private static void RunTo(VirtualMachine machine, ulong vmTime)
    {
        while (machine.VmTime < vmTime && machine.End is null)
        {
            _ = machine.RunSlice(new SliceLimits(vmTime, static () => false));
        }
    }
}
