// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Machine;
using KvmActors.Machine.Hashing;

namespace KvmActors.Persistence.Events;

/// <summary>Everything that a journal can hold. A closed union: each case has a number (<see cref="EventKind"/>) and a
/// Protobuf message in <c>journal.proto</c>.</summary>
/// <remarks>On replay most cases are applied; <see cref="PatchApplied"/>, <see cref="Progress"/>,
/// <see cref="CpuidStepped"/> and <see cref="SnapshotTaken"/> are recomputed and compared, never applied.</remarks>
public abstract record JournalEvent
{
    private JournalEvent()
    {
    }

    /// <summary>First event of a VM's stream. The first snapshot is part of the same commit: at VM time 0 with the
    /// image loaded, or what the VM was restored or forked from.</summary>
    public sealed record VmCreated(MachineSpec Spec, string Image, string ImageSha256, string CommandLine)
        : JournalEvent
    {
        /// <summary>Of the initial RAM disk; empty where there was none.</summary>
        public string InitrdSha256 { get; init; } = "";

        /// <summary>The moment at which its VM time begins; null where that is 0 and it was booted.</summary>
        public VmOrigin? Origin { get; init; }
    }

    /// <summary>First event of a vCPU's stream.</summary>
    public sealed record VcpuCreated(int Index) : JournalEvent;

    /// <summary>A whole CPUID table was set.</summary>
    public sealed record CpuidSet(CpuidTable Table) : JournalEvent;

    /// <summary>The VM runs on this node under this epoch from this VM time on, with this native hypercall
    /// instruction.</summary>
    public sealed record Placed(NodeId Node, Epoch Epoch, HostVendor HostVendor) : JournalEvent;

    /// <summary>Bytes reached the console at this VM time.</summary>
    public sealed record InputArrived(ImmutableArray<byte> Bytes) : JournalEvent;

    /// <summary>The VM was started, paused, resumed, stopped or came to its end.</summary>
    public sealed record LifecycleChanged(VmLifecycle From, VmLifecycle To, MachineEnd? End) : JournalEvent;

    /// <summary>A planned move began; the guest still runs on the source.</summary>
    public sealed record MigrationStarted(MigrationId Migration, NodeId From, NodeId To) : JournalEvent;

    /// <summary>The source's last event: at this VM time and state the target takes over under the next
    /// epoch.</summary>
    public sealed record HandedOff(MigrationId Migration, NodeId To, StateHash State, MemorySum Memory) : JournalEvent;

    public sealed record MigrationAborted(MigrationId Migration, string Reason) : JournalEvent;

    /// <summary>The VM is taken out of service: what its journal holds cannot be replayed here.</summary>
    public sealed record Quarantined(string Reason) : JournalEvent;

    /// <summary>A hypercall site was rewritten.</summary>
    public sealed record PatchApplied(HypercallPatch Patch) : JournalEvent;

    /// <summary>The state at this VM time. Everything before it can be recomputed from the events before it.</summary>
    /// <param name="Memory">Null where only CPU and devices were hashed.</param>
    public sealed record Progress(
        ulong InstructionsRetired, ulong ConsoleBytes, StateHash State, MemorySum? Memory) : JournalEvent;

    /// <summary>The guest read stateful CPUID leaves: these entries of its table answer next. One event covers all
    /// reads since the last one.</summary>
    /// <param name="ReadNext">Positions in the table, ascending.</param>
    public sealed record CpuidStepped(ImmutableArray<int> ReadNext) : JournalEvent
    {
        public bool Equals(CpuidStepped? other) =>
            other is not null && ReadNext.AsSpan().SequenceEqual(other.ReadNext.AsSpan());

        public override int GetHashCode() => ReadNext.Aggregate(0, HashCode.Combine);
    }

    public sealed record SnapshotTaken(ulong SnapshotId, StateHash State, MemorySum Memory) : JournalEvent;
}
