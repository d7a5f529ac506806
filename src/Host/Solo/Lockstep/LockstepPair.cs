// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu;
using KvmActors.Cpu.Cpuid.Vetting;
using KvmActors.Cpu.Debugging;
using KvmActors.Cpu.Memory;
using KvmActors.Host.Journal.Diff;
using KvmActors.Machine;
using KvmActors.Machine.Time;

namespace KvmActors.Host.Solo.Lockstep;

/// <summary>A VM in the interpreter and its twin in another engine, led along together.</summary>
internal sealed class LockstepPair : IDisposable
{
    private static readonly EngineOptions s_interpreter = new() { Choice = EngineChoice.Interpreter };

    private readonly Dictionary<int, byte[]> _pages;
    private readonly Action<VirtualMachine>? _plant;
    private MachineState _state;

    private LockstepPair(
        VirtualMachine first,
        VirtualMachine twin,
        Action<VirtualMachine>? plant,
        MachineState state,
        Dictionary<int, byte[]> pages)
    {
        (First, Twin, _plant, _state, _pages) = (first, twin, plant, state, pages);
        Keep();
    }

    public VirtualMachine First { get; }

    public VirtualMachine Twin { get; }

    /// <summary>VM time of the last state in which both were equal.</summary>
    public ulong EqualUntil => _state.VmTime;

    /// <param name="plant">Called on the twin before each comparison, to show that one finds something; null outside
    /// of tests.</param>
    public static LockstepPair Create(SoloRunOptions run, EngineOptions twin, Action<VirtualMachine>? plant)
    {
        VirtualMachine Make(EngineOptions engine) => VirtualMachine.Create(
            run.Spec,
            CpuidPlacement.OfAll(run.Cpuid, run.Spec.VcpuCount),
            run.HostVendor,
            run.Image,
            engine);
        VirtualMachine first = Make(s_interpreter);
        return new LockstepPair(first, Make(twin), plant, first.Save(), []);
    }

    /// <summary>Both, put back to the last state in which they were equal.</summary>
    public LockstepPair Again(EngineOptions twin)
    {
        VirtualMachine Make(EngineOptions engine) => VirtualMachine.Restore(
            First.Spec, _state, _pages.Select(page => (page.Key, (ReadOnlyMemory<byte>)page.Value)), engine);
        return new LockstepPair(Make(s_interpreter), Make(twin), _plant, _state, new(_pages));
    }

    /// <summary>Runs both to a VM time, or to where the first stops before.</summary>
    /// <returns>False if they stop in different ways or places, or run into different registers and devices.</returns>
    public bool Run(ulong until, out SliceResult slice)
    {
        SliceLimits limits = new(until, static () => false);
        slice = First.RunSlice(limits);
        SliceResult other = Twin.RunSlice(limits);
        _plant?.Invoke(Twin);
        return slice.Stop == other.Stop && slice.VmTime == other.VmTime
            && slice.InstructionsRetired == other.InstructionsRetired
            && slice.Console.Span.SequenceEqual(other.Console.Span)
            && First.HashState() == Twin.HashState();
    }

    /// <summary>Compares memory too, and keeps the state if it is equal.</summary>
    public bool IsEqual()
    {
        if (First.HashState() != Twin.HashState() || First.SumMemory() != Twin.SumMemory())
        {
            return false;
        }

        Keep();
        return true;
    }

    /// <summary>What differs now.</summary>
    public LockstepDifference Difference(bool isNarrowed)
    {
        using var equal = VirtualMachine.Restore(
            First.Spec,
            _state,
            _pages.Select(page => (page.Key, (ReadOnlyMemory<byte>)page.Value)),
            s_interpreter);
        int vcpu = equal.Debugger.Current;
        byte[] code = new byte[Disassembler.InstructionBytesMax];
        int read = equal.Debugger.ReadLinear(vcpu, equal.Debugger.LinearRip(vcpu), code);
        return new LockstepDifference(
            _state.VmTime,
            First.VmTime,
            equal.InstructionsRetired,
            isNarrowed,
            vcpu,
            $"0x{equal.Debugger.Rip(vcpu):x}",
            new Disassembler().Read(code.AsSpan(0, read), equal.Debugger.Mode(vcpu), equal.Debugger.Rip(vcpu)).Text,
            StateDiff.Fields(First.Save(), Twin.Save()),
            StateDiff.Memory(First.Memory, Twin.Memory));
    }

    public void Dispose()
    {
        First.Dispose();
        Twin.Dispose();
    }

    private void Keep()
    {
        _state = First.Save();
        foreach (int page in First.Memory.TakeDirty(DirtyReader.Snapshot))
        {
            _pages[page] = First.Memory.Page(page).ToArray();
        }
    }
}
