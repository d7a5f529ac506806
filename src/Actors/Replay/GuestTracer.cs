// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu;
using KvmActors.Cpu.Debugging;
using KvmActors.Cpu.State;
using KvmActors.Machine;

namespace KvmActors.Actors.Replay;

/// <summary>Walks a recorded guest step by step and tells of each what it was: where, which code, which registers it
/// changed.</summary>
/// <remarks>What it tells of a step holds until the next. Nothing is allocated per step but what the step is told by.
/// Not thread-safe.</remarks>
public sealed class GuestTracer
{
    private readonly Timeline _timeline;
    private readonly Moment _until;
    private readonly Action<int> _look;
    private readonly byte[] _code = new byte[Disassembler.InstructionBytesMax];
    private readonly ulong[] _before = new ulong[MachineDebugger.RegisterCount];
    private readonly ulong[] _after = new ulong[MachineDebugger.RegisterCount];
    private readonly Action<int>? _observer;
    private int _codeBytes;

    /// <param name="timeline">Stands where the walk begins. It goes along.</param>
    /// <param name="until">The step that begins there is not taken.</param>
    /// <param name="observer">Is told the vCPU that takes a step, before it does; perhaps twice.</param>
    public GuestTracer(Timeline timeline, Moment until, Action<int>? observer = null)
    {
        _timeline = timeline;
        _until = until;
        _observer = observer;
        _look = Look;
    }

    /// <summary>The moment before the step.</summary>
    public Moment At { get; private set; }

    /// <summary>The linear address of the vCPU's instruction before the step.</summary>
    public Gva LinearRip { get; private set; }

    /// <summary>The same without the base of CS.</summary>
    public ulong Rip { get; private set; }

    public CpuMode Mode { get; private set; }

    /// <summary>What the step did.</summary>
    public SteppedVcpu Stepped { get; private set; } = new(0, HasRetired: false, Hit: null);

    /// <summary>The code at <see cref="LinearRip"/> before the step: the instruction and what is behind it, or less
    /// where nothing is mapped.</summary>
    public ReadOnlySpan<byte> Code => _code.AsSpan(0, _codeBytes);

    /// <summary>The vCPU's registers before the step, as <see cref="MachineDebugger.ReadRegisters"/> has them.
    /// </summary>
    public ReadOnlySpan<ulong> Before => _before;

    /// <summary>The vCPU's registers behind the step.</summary>
    public ReadOnlySpan<ulong> After => _after;

    /// <summary>Takes a step.</summary>
    /// <returns>False at the end of the walk: nothing was done, but VM time may have passed.</returns>
    public bool MoveNext()
    {
        if (_timeline.Now >= _until || _timeline.StepNext(_until.VmTime, _look) is not { } stepped)
        {
            return false;
        }

        Stepped = stepped;
        _timeline.Machine.Debugger.ReadRegisters(stepped.Index, _after);
        return true;
    }

    private void Look(int vcpu)
    {
        MachineDebugger debugger = _timeline.Machine.Debugger;
        At = debugger.Now;
        LinearRip = debugger.LinearRip(vcpu);
        Rip = debugger.Rip(vcpu);
        Mode = debugger.Mode(vcpu);
        debugger.ReadRegisters(vcpu, _before);
        _codeBytes = debugger.ReadLinear(vcpu, LinearRip, _code);
        _observer?.Invoke(vcpu);
    }
}
