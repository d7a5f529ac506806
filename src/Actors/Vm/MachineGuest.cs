// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Cpu.Memory;
using KvmActors.Machine;
using KvmActors.Machine.Hashing;
using KvmActors.Machine.Time;

namespace KvmActors.Actors.Vm;

/// <summary>The virtual machine as a VM actor's guest.</summary>
public sealed class MachineGuest(VirtualMachine machine) : IGuest
{
    public MachineSpec Spec => machine.Spec;

    public ulong VmTime => machine.VmTime;

    public ulong InstructionsRetired => machine.InstructionsRetired;

    public MachineEnd? End => machine.End;

    public HostVendor HostVendor
    {
        get => machine.HostVendor;
        set => machine.HostVendor = value;
    }

    public int PageCount => machine.Memory.PageCount;

    public int InputRoomBytes => machine.InputRoomBytes;

    public void SetCpuid(int vcpu, CpuidTable table) => machine.SetCpuid(vcpu, table);

    public void InjectInput(ReadOnlySpan<byte> bytes) => machine.InjectInput(bytes);

    public SliceResult RunSlice(SliceLimits limits) => machine.RunSlice(limits);

    public MachineState Save() => machine.Save();

    public StateHash HashState() => machine.HashState();

    public MemorySum SumMemory() => machine.SumMemory();

    public PageCopies CopyPages() => new(machine.Memory);

    public PendingMemorySum CaptureMemory(PageCopies copies) => machine.CaptureMemory(copies);

    public ReadOnlySpan<byte> Page(int pageNumber) => machine.Memory.Page(pageNumber);

    public bool IsZero(int pageNumber) => machine.Memory.IsZero(pageNumber);

    public ImmutableArray<int> TakeDirty(DirtyReader reader) => machine.Memory.TakeDirty(reader);

    public void Dispose() => machine.Dispose();
}
