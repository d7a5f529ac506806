// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Cpu.Memory;
using KvmActors.Machine;
using KvmActors.Machine.Hashing;
using KvmActors.Machine.Time;

namespace KvmActors.Actors.Vm;

/// <summary>The machine that a VM actor drives: the virtual machine, or a model of one in a simulation, where a
/// thousand takeovers are wanted and no instruction set.</summary>
/// <remarks>One thread at a time; lent to the slice runner while a slice runs.</remarks>
public interface IGuest : IDisposable
{
    MachineSpec Spec { get; }

    ulong VmTime { get; }

    ulong InstructionsRetired { get; }

    MachineEnd? End { get; }

    HostVendor HostVendor { get; set; }

    /// <summary>4096-byte pages of guest memory.</summary>
    int PageCount { get; }

    /// <summary>How many bytes <see cref="InjectInput"/> takes now.</summary>
    int InputRoomBytes { get; }

    void SetCpuid(int vcpu, CpuidTable table);

    void InjectInput(ReadOnlySpan<byte> bytes);

    SliceResult RunSlice(SliceLimits limits);

    MachineState Save();

    StateHash HashState();

    MemorySum SumMemory();

    /// <summary>For copies of pages as they are now. To be asked only until the guest runs on.</summary>
    PageCopies CopyPages();

    /// <summary>The sum of now, to be computed later, while the guest runs on.</summary>
    /// <param name="copies">Of now; those that the sum needs are added.</param>
    PendingMemorySum CaptureMemory(PageCopies copies);

    ReadOnlySpan<byte> Page(int pageNumber);

    bool IsZero(int pageNumber);

    /// <summary>Pages written since the last call, ascending. Snapshots and migrations read the log
    /// independently.</summary>
    ImmutableArray<int> TakeDirty(DirtyReader reader);
}
