// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Actors.Vm;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Cpu.Memory;
using KvmActors.Machine;
using KvmActors.Machine.Hashing;
using KvmActors.Machine.Time;

namespace KvmActors.TestKit.Simulation;

/// <summary>A guest that reports each of its runs.</summary>
internal sealed class WatchedGuest(IGuest inner, SliceWatch watch) : IGuest
{
    public MachineSpec Spec => inner.Spec;

    public ulong VmTime => inner.VmTime;

    public ulong InstructionsRetired => inner.InstructionsRetired;

    public MachineEnd? End => inner.End;

    public HostVendor HostVendor
    {
        get => inner.HostVendor;
        set => inner.HostVendor = value;
    }

    public int PageCount => inner.PageCount;

    public int InputRoomBytes => inner.InputRoomBytes;

    public void SetCpuid(int vcpu, CpuidTable table) => inner.SetCpuid(vcpu, table);

    public void InjectInput(ReadOnlySpan<byte> bytes) => inner.InjectInput(bytes);

    public SliceResult RunSlice(SliceLimits limits)
    {
        watch.GuestRuns();
        return inner.RunSlice(limits);
    }

    public MachineState Save() => inner.Save();

    public StateHash HashState() => inner.HashState();

    public MemorySum SumMemory() => inner.SumMemory();

    public PageCopies CopyPages() => inner.CopyPages();

    public PendingMemorySum CaptureMemory(PageCopies copies) => inner.CaptureMemory(copies);

    public ReadOnlySpan<byte> Page(int pageNumber) => inner.Page(pageNumber);

    public bool IsZero(int pageNumber) => inner.IsZero(pageNumber);

    public ImmutableArray<int> TakeDirty(DirtyReader reader) => inner.TakeDirty(reader);

    public void Dispose() => inner.Dispose();
}
