// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Actors.Migration;
using KvmActors.Actors.Vcpu;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Machine;
using KvmActors.Persistence;
using KvmActors.Persistence.Events;

namespace KvmActors.Actors.Vm;

/// <summary>What a VM's owner publishes of it at each slice's end, for people and for tools.</summary>
/// <param name="Owner">Null where nobody runs it at the moment.</param>
/// <param name="VmTime">Where the guest is. It may be ahead of the journal: after a failure it can be less.</param>
/// <param name="DurableVmTime">Up to where a failure loses nothing.</param>
/// <param name="ConsoleBytes">Bytes released to clients so far.</param>
/// <param name="End">One sentence on how the guest ended; null while it can run.</param>
/// <param name="ExitCode">What <c>run</c> would have exited with; null while it can run.</param>
/// <param name="MovingTo">Set while a planned move is under way.</param>
/// <param name="Problem">Why nobody runs it, or why it was quarantined; null where all is well.</param>
/// <param name="Patches">Hypercall sites that were rewritten, oldest first, with the node they were rewritten
/// on.</param>
/// <param name="Machine">Registers, CPUID tables, what the guest observed and devices, at the last Progress; null where
/// nobody runs it.</param>
public sealed record VmStatus(
    VmId Vm,
    VmLifecycle Lifecycle,
    NodeId? Owner,
    Epoch Epoch,
    HostVendor HostVendor,
    MachineSpec? Spec,
    string Image,
    string ImageSha256,
    ulong VmTime,
    ulong InstructionsRetired,
    ulong DurableVmTime,
    ulong ConsoleBytes,
    string? End,
    int? ExitCode,
    NodeId? MovingTo,
    string? Problem,
    RecoveryReport? Recovery,
    ImmutableArray<VcpuPatch> Patches,
    MachineState? Machine)
{
    /// <summary>How far the planned move is that is under way; null where none is.</summary>
    public MoveProgress? Move { get; init; }
}
