// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using System.Diagnostics;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Persistence;
using KvmActors.Persistence.Events;

namespace KvmActors.Actors.Vcpu;

/// <summary>What a vCPU's stream says of it: the fold of its events. (Its registers are
/// <c>Cpu.State.VcpuState</c>.)</summary>
/// <param name="Patches">The last <see cref="PatchesMax"/> sites that were rewritten, oldest first.</param>
/// <param name="PatchCount">All of them since creation.</param>
public sealed record VcpuActorState(
    StreamId Stream,
    int Index,
    CpuidTable Cpuid,
    NodeId? Node,
    Epoch Epoch,
    HostVendor HostVendor,
    MigrationId? Migration,
    ulong PatchCount,
    ImmutableArray<VcpuPatch> Patches)
{
    /// <summary>Patches kept for people to look at; the journal has all of them.</summary>
    public const int PatchesMax = 1024;

    /// <summary>A state from a stream's first event.</summary>
    public static VcpuActorState Create(StreamId stream, JournalEvent.VcpuCreated created) => new(
        stream,
        created.Index,
        CpuidTable.Empty,
        Node: null,
        Epoch.First,
        HostVendor.Intel,
        Migration: null,
        PatchCount: 0,
        []);

    /// <summary>The state after one more event of the vCPU's stream.</summary>
    /// <exception cref="InvalidOperationException">The event cannot stand in a vCPU's stream behind its
    /// first.</exception>
    public VcpuActorState Apply(JournalEvent next) => next switch
    {
        JournalEvent.CpuidSet set => this with { Cpuid = set.Table },
        JournalEvent.CpuidStepped stepped => this with
        {
            Cpuid = CpuidKvm2007.WithCursors(Cpuid, stepped.ReadNext),
        },
        JournalEvent.Placed placed => this with
        {
            Node = placed.Node,
            Epoch = placed.Epoch,
            HostVendor = placed.HostVendor,
            Migration = null,
        },
        JournalEvent.MigrationStarted started => this with { Migration = started.Migration },
        JournalEvent.MigrationAborted => this with { Migration = null },
        JournalEvent.HandedOff => this with { Migration = null, Node = null },
        JournalEvent.PatchApplied patch => WithPatch(patch.Patch),
        JournalEvent.Quarantined => this,
        JournalEvent.VmCreated or JournalEvent.VcpuCreated or JournalEvent.InputArrived or JournalEvent.LifecycleChanged
            or JournalEvent.Progress or JournalEvent.SnapshotTaken => throw new InvalidOperationException(
                $"Expected an event of a vCPU's stream behind its first, found {next.GetType().Name} in {Stream}."),
        _ => throw new UnreachableException(next.GetType().Name),
    };

    /// <summary>Folds a whole stream, first event first.</summary>
    public static VcpuActorState Fold(StreamId stream, IEnumerable<JournalEvent> events)
    {
        VcpuActorState? state = null;
        foreach (JournalEvent next in events)
        {
            state = state is null ? Create(stream, FirstOf(stream, next)) : state.Apply(next);
        }

        return state
            ?? throw new InvalidOperationException($"Expected VcpuCreated in the stream {stream}, found no event.");
    }

    private static JournalEvent.VcpuCreated FirstOf(StreamId stream, JournalEvent first) =>
        first as JournalEvent.VcpuCreated
        ?? throw new InvalidOperationException(
            $"Expected VcpuCreated as the first event of {stream}, found {first.GetType().Name}.");

    private VcpuActorState WithPatch(HypercallPatch patch)
    {
        ImmutableArray<VcpuPatch> kept = Patches.Length < PatchesMax ? Patches : Patches.RemoveAt(0);
        return this with { PatchCount = PatchCount + 1, Patches = kept.Add(new VcpuPatch(patch, Node, Epoch)) };
    }
}

/// <summary>A rewritten hypercall site and where the vCPU ran when it met it.</summary>
public sealed record VcpuPatch(HypercallPatch Patch, NodeId? Node, Epoch Epoch);
