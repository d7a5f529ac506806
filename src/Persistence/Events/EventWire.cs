// SPDX-License-Identifier: Apache-2.0

using System.Diagnostics;
using Google.Protobuf;
using KvmActors.Persistence.Wire;

namespace KvmActors.Persistence.Events;

/// <summary>Version 1 of each kind: one message a kind, in both directions.</summary>
internal static class EventWire
{
    internal static (EventKind Kind, IMessage Message) Of(JournalEvent journalEvent) => journalEvent switch
    {
        JournalEvent.VmCreated e => (EventKind.VmCreated, new WireVmCreated
        {
            Spec = MachineWire.Of(e.Spec),
            Image = e.Image,
            ImageSha256 = e.ImageSha256,
            CommandLine = e.CommandLine,
            InitrdSha256 = e.InitrdSha256,
            Origin = VmOriginWire.Of(e.Origin),
        }),
        JournalEvent.VcpuCreated e => (EventKind.VcpuCreated, new WireVcpuCreated { Index = checked((uint)e.Index) }),
        JournalEvent.CpuidSet e => (EventKind.CpuidSet, new WireCpuidSet { Table = MachineWire.Of(e.Table) }),
        JournalEvent.Placed e => (EventKind.Placed, new WirePlaced
        {
            Node = e.Node.Value,
            Epoch = e.Epoch.Value,
            HostVendor = MachineWire.Of(e.HostVendor),
        }),
        JournalEvent.InputArrived e =>
            (EventKind.InputArrived, new WireInputArrived { Input = MachineWire.Of(e.Bytes) }),
        JournalEvent.LifecycleChanged e => (EventKind.LifecycleChanged, new WireLifecycleChanged
        {
            From = Of(e.From),
            To = Of(e.To),
            End = MachineWire.Of(e.End),
        }),
        JournalEvent.MigrationStarted e => (EventKind.MigrationStarted, new WireMigrationStarted
        {
            Migration = e.Migration.Value,
            From = e.From.Value,
            To = e.To.Value,
        }),
        JournalEvent.HandedOff e => (EventKind.HandedOff, new WireHandedOff
        {
            Migration = e.Migration.Value,
            To = e.To.Value,
            StateHash = MachineWire.Of(e.State),
            MemorySum = MachineWire.Of(e.Memory),
        }),
        JournalEvent.MigrationAborted e => (EventKind.MigrationAborted, new WireMigrationAborted
        {
            Migration = e.Migration.Value,
            Reason = e.Reason,
        }),
        JournalEvent.Quarantined e => (EventKind.Quarantined, new WireQuarantined { Reason = e.Reason }),
        JournalEvent.PatchApplied e =>
            (EventKind.PatchApplied, new WirePatchApplied { Patch = MachineWire.Of(e.Patch) }),
        JournalEvent.Progress e => (EventKind.Progress, new WireProgress
        {
            InstructionsRetired = e.InstructionsRetired,
            ConsoleBytes = e.ConsoleBytes,
            StateHash = MachineWire.Of(e.State),
            MemorySum = e.Memory is { } sum ? MachineWire.Of(sum) : ByteString.Empty,
        }),
        JournalEvent.CpuidStepped e => (EventKind.CpuidStepped, new WireCpuidStepped
        {
            ReadNext = { e.ReadNext.Select(position => checked((uint)position)) },
        }),
        JournalEvent.SnapshotTaken e => (EventKind.SnapshotTaken, new WireSnapshotTaken
        {
            SnapshotId = e.SnapshotId,
            StateHash = MachineWire.Of(e.State),
            MemorySum = MachineWire.Of(e.Memory),
        }),
        _ => throw new UnreachableException($"No message for the event {journalEvent.GetType().Name}."),
    };

    internal static JournalEvent From(EventKind kind, ReadOnlyMemory<byte> payload) => kind switch
    {
        EventKind.VmCreated => From(WireVmCreated.Parser.ParseFrom(payload.Span)),
        EventKind.VcpuCreated => new JournalEvent.VcpuCreated(
            MachineWire.Index(WireVcpuCreated.Parser.ParseFrom(payload.Span).Index, "index")),
        EventKind.CpuidSet => new JournalEvent.CpuidSet(
            MachineWire.From(WireFault.Present(WireCpuidSet.Parser.ParseFrom(payload.Span).Table, "table"))),
        EventKind.Placed => From(WirePlaced.Parser.ParseFrom(payload.Span)),
        EventKind.InputArrived => new JournalEvent.InputArrived(
            MachineWire.From(WireInputArrived.Parser.ParseFrom(payload.Span).Input)),
        EventKind.LifecycleChanged => From(WireLifecycleChanged.Parser.ParseFrom(payload.Span)),
        EventKind.MigrationStarted => From(WireMigrationStarted.Parser.ParseFrom(payload.Span)),
        EventKind.HandedOff => From(WireHandedOff.Parser.ParseFrom(payload.Span)),
        EventKind.MigrationAborted => From(WireMigrationAborted.Parser.ParseFrom(payload.Span)),
        EventKind.Quarantined => new JournalEvent.Quarantined(WireQuarantined.Parser.ParseFrom(payload.Span).Reason),
        EventKind.PatchApplied => new JournalEvent.PatchApplied(
            MachineWire.From(WireFault.Present(WirePatchApplied.Parser.ParseFrom(payload.Span).Patch, "patch"))),
        EventKind.Progress => From(WireProgress.Parser.ParseFrom(payload.Span)),
        EventKind.CpuidStepped => new JournalEvent.CpuidStepped(
            [
                .. WireCpuidStepped.Parser.ParseFrom(payload.Span).ReadNext
                    .Select(position => MachineWire.Index(position, "read_next")),
            ]),
        EventKind.SnapshotTaken => From(WireSnapshotTaken.Parser.ParseFrom(payload.Span)),
    };

    internal static WireVmCreated Of(JournalEvent.VmCreated created) =>
        (WireVmCreated)Of((JournalEvent)created).Message;

    internal static JournalEvent.VmCreated From(WireVmCreated wire) => new(
        MachineWire.From(WireFault.Present(wire.Spec, "spec")), wire.Image, wire.ImageSha256, wire.CommandLine)
    {
        InitrdSha256 = wire.InitrdSha256,
        Origin = VmOriginWire.From(wire.Origin),
    };

    private static JournalEvent.Placed From(WirePlaced wire) => new(
        new NodeId(wire.Node), new Epoch(wire.Epoch), MachineWire.From(wire.HostVendor));

    private static JournalEvent.LifecycleChanged From(WireLifecycleChanged wire) => new(
        From(wire.From), From(wire.To), MachineWire.From(wire.End));

    private static JournalEvent.MigrationStarted From(WireMigrationStarted wire) => new(
        new MigrationId(wire.Migration), new NodeId(wire.From), new NodeId(wire.To));

    private static JournalEvent.HandedOff From(WireHandedOff wire) => new(
        new MigrationId(wire.Migration),
        new NodeId(wire.To),
        MachineWire.StateHash(wire.StateHash),
        MachineWire.MemorySum(wire.MemorySum));

    private static JournalEvent.MigrationAborted From(WireMigrationAborted wire) => new(
        new MigrationId(wire.Migration), wire.Reason);

    private static JournalEvent.Progress From(WireProgress wire) => new(
        wire.InstructionsRetired,
        wire.ConsoleBytes,
        MachineWire.StateHash(wire.StateHash),
        wire.MemorySum.IsEmpty ? null : MachineWire.MemorySum(wire.MemorySum));

    private static JournalEvent.SnapshotTaken From(WireSnapshotTaken wire) => new(
        wire.SnapshotId, MachineWire.StateHash(wire.StateHash), MachineWire.MemorySum(wire.MemorySum));

    private static WireLifecycle Of(VmLifecycle lifecycle) => lifecycle switch
    {
        VmLifecycle.Created => WireLifecycle.Created,
        VmLifecycle.Running => WireLifecycle.Running,
        VmLifecycle.Paused => WireLifecycle.Paused,
        VmLifecycle.Stopped => WireLifecycle.Stopped,
        VmLifecycle.Ended => WireLifecycle.Ended,
        VmLifecycle.Quarantined => WireLifecycle.Quarantined,
    };

    private static VmLifecycle From(WireLifecycle wire) => wire switch
    {
        WireLifecycle.Created => VmLifecycle.Created,
        WireLifecycle.Running => VmLifecycle.Running,
        WireLifecycle.Paused => VmLifecycle.Paused,
        WireLifecycle.Stopped => VmLifecycle.Stopped,
        WireLifecycle.Ended => VmLifecycle.Ended,
        WireLifecycle.Quarantined => VmLifecycle.Quarantined,
        _ => throw WireFault.Unnamed(wire),
    };
}
