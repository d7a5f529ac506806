// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using System.Runtime.InteropServices;
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
        Keep(First.Memory.TakeDirty(DirtyReader.Snapshot));
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
        var pages = _pages.ToDictionary(page => page.Key, page => page.Value.ToArray());
        return new LockstepPair(Make(s_interpreter), Make(twin), _plant, _state, pages);
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

    /// <summary>Compares memory too, and keeps the state if it is equal. To be called where <see cref="Run"/> found
    /// nothing.</summary>
    /// <remarks>Costs the pages that either has written since the last equal state: all others are as they were.
    /// </remarks>
    /// <returns>False if memory differs; this pair is then of use only for <see cref="Difference"/> and
    /// <see cref="Again"/>.</returns>
    public bool IsEqual()
    {
        ImmutableArray<int> written = First.Memory.TakeDirty(DirtyReader.Snapshot);
        ImmutableArray<int> others = Twin.Memory.TakeDirty(DirtyReader.Snapshot);
        if (!AreEqual(written) || (!others.AsSpan().SequenceEqual(written.AsSpan()) && !AreEqual(others)))
        {
            return false;
        }

        Keep(written);
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

    private bool AreEqual(ImmutableArray<int> pages)
    {
        foreach (int page in pages)
        {
            if (!First.Memory.Page(page).SequenceEqual(Twin.Memory.Page(page)))
            {
                return false;
            }
        }

        return true;
    }

    private void Keep(ImmutableArray<int> written)
    {
        _state = First.Save();
        foreach (int page in written)
        {
            ref byte[]? kept = ref CollectionsMarshal.GetValueRefOrAddDefault(_pages, page, out _);
            kept ??= new byte[GuestMemory.PageBytes];
            First.Memory.Page(page).CopyTo(kept);
        }
    }
}
