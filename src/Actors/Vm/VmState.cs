// SPDX-License-Identifier: Apache-2.0

using System.Diagnostics;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Machine;
using KvmActors.Machine.Hashing;
using KvmActors.Persistence;
using KvmActors.Persistence.Events;

namespace KvmActors.Actors.Vm;

/// <summary>What the VM's own stream says of it: the fold of its events, and nothing else.</summary>
/// <remarks>The guest's registers, memory and devices are not here: they are recomputed by running the machine. Folding
/// is the same for a new VM, a takeover, a hand-over and a replay.</remarks>
/// <param name="VmTime">VM time of the last journaled event.</param>
/// <param name="ConsoleBytes">Bytes the console had put out at the last Progress.</param>
/// <param name="State">The hash at the last Progress; null before the first.</param>
public sealed record VmState(
    VmId Vm,
    MachineSpec Spec,
    string Image,
    string ImageSha256,
    string CommandLine,
    VmLifecycle Lifecycle,
    MachineEnd? End,
    NodeId? Node,
    Epoch Epoch,
    HostVendor HostVendor,
    VmMove? Move,
    ulong VmTime,
    ulong InstructionsRetired,
    ulong ConsoleBytes,
    ulong SnapshotId,
    StateHash? State,
    string? QuarantineReason)
{
    /// <summary>What a quarantine interrupted; null where there is none.</summary>
    public VmLifecycle? BeforeQuarantine { get; init; }

    /// <summary>Instructions retired at the last snapshot.</summary>
    public ulong SnapshotInstructions { get; init; }

    /// <summary>A state from a stream's first event.</summary>
    public static VmState Create(VmId vm, JournalEvent.VmCreated created) => new(
        vm,
        created.Spec,
        created.Image,
        created.ImageSha256,
        created.CommandLine,
        VmLifecycle.Created,
        End: null,
        Node: null,
        Epoch.First,
        HostVendor.Intel,
        Move: null,
        created.Origin?.VmTime ?? 0,
        created.Origin?.InstructionsRetired ?? 0,
        created.Origin?.ConsoleBytes ?? 0,
        SnapshotId: 0,
        State: null,
        QuarantineReason: null);

    /// <summary>The state after one more event of the VM's stream.</summary>
    /// <exception cref="InvalidOperationException">The event cannot stand in a VM's stream behind its
    /// first.</exception>
    public VmState Apply(JournalEvent next, ulong vmTime)
    {
        VmState at = this with { VmTime = vmTime };
        return next switch
        {
            JournalEvent.Placed placed => at with
            {
                Node = placed.Node,
                Epoch = placed.Epoch,
                HostVendor = placed.HostVendor,
                Move = null,
                Lifecycle = AfterPlacement,
                BeforeQuarantine = null,
                QuarantineReason = null,
            },
            JournalEvent.LifecycleChanged changed => at with { Lifecycle = changed.To, End = changed.End },
            JournalEvent.MigrationStarted started => at with
            {
                Move = new VmMove(started.Migration, started.From, started.To),
            },
            JournalEvent.MigrationAborted => at with { Move = null },
            JournalEvent.HandedOff => at with { Move = null, Node = null },
            JournalEvent.Quarantined quarantined => at with
            {
                Lifecycle = VmLifecycle.Quarantined,
                BeforeQuarantine = BeforeQuarantine ?? Lifecycle,
                QuarantineReason = quarantined.Reason,
            },
            JournalEvent.Progress progress => at with
            {
                InstructionsRetired = progress.InstructionsRetired,
                ConsoleBytes = progress.ConsoleBytes,
                State = progress.State,
            },
            JournalEvent.SnapshotTaken taken => at with
            {
                // A Progress of the same moment stands before it.
                SnapshotId = taken.SnapshotId,
                SnapshotInstructions = InstructionsRetired,
            },
            JournalEvent.InputArrived => at,
            JournalEvent.VmCreated or JournalEvent.VcpuCreated or JournalEvent.CpuidSet or JournalEvent.CpuidStepped
                or JournalEvent.PatchApplied =>
                throw new InvalidOperationException(
                    $"Expected an event of a VM's stream behind its first, found {next.GetType().Name} in {Vm}."),
            _ => throw new UnreachableException(next.GetType().Name),
        };
    }

    /// <summary>The id of a snapshot that is taken now. Ids count intervals of instructions, so that a retention can
    /// tell by them how much there is to replay between two; at least one lies between two ids.</summary>
    /// <param name="retired">Instructions by now.</param>
    public ulong NextSnapshotId(ulong retired, ulong intervalTicks)
    {
        ulong before = SnapshotInstructions / intervalTicks;
        ulong now = retired / intervalTicks;
        return SnapshotId + (now > before ? now - before : 1);
    }

    /// <summary>Folds a whole stream, first event first.</summary>
    public static VmState Fold(VmId vm, IEnumerable<(JournalEvent Event, ulong VmTime)> events)
    {
        VmState? state = null;
        foreach ((JournalEvent next, ulong vmTime) in events)
        {
            state = state is null ? Create(vm, FirstOf(vm, next)) : state.Apply(next, vmTime);
        }

        return state
            ?? throw new InvalidOperationException($"Expected VmCreated in the stream of {vm}, found no event.");
    }

    /// <summary>A VM that is claimed after its quarantine stands still until it is resumed.</summary>
    private VmLifecycle AfterPlacement => BeforeQuarantine switch
    {
        null => Lifecycle,
        VmLifecycle.Running => VmLifecycle.Paused,
        { } before => before,
    };

    private static JournalEvent.VmCreated FirstOf(VmId vm, JournalEvent first) => first as JournalEvent.VmCreated
        ?? throw new InvalidOperationException(
            $"Expected VmCreated as the first event of {vm}, found {first.GetType().Name}.");
}

/// <summary>A planned move that has begun.</summary>
public sealed record VmMove(MigrationId Migration, NodeId From, NodeId To);
