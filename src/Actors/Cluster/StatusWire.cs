// SPDX-License-Identifier: Apache-2.0

using Google.Protobuf;
using KvmActors.Actors.Vcpu;
using KvmActors.Actors.Vm;
using KvmActors.Actors.Wire;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Machine;
using KvmActors.Persistence;
using KvmActors.Persistence.Events;
using KvmActors.Persistence.Snapshots;

namespace KvmActors.Actors.Cluster;

/// <summary>A VM's status to and from its message in <c>link.proto</c>. Pure.</summary>
internal static class StatusWire
{
    public static VmStatusMessage Of(VmStatus status)
    {
        VmStatusMessage message = new()
        {
            Vm = status.Vm.Value,
            Lifecycle = (uint)status.Lifecycle,
            Owner = TextOf(status.Owner),
            Epoch = status.Epoch.Value,
            HostVendor = (uint)status.HostVendor,
            VmCreated = OfSpec(status),
            VmTime = status.VmTime,
            InstructionsRetired = status.InstructionsRetired,
            DurableVmTime = status.DurableVmTime,
            ConsoleBytes = status.ConsoleBytes,
            MovingTo = TextOf(status.MovingTo),
            Problem = status.Problem ?? string.Empty,
            Recovery = status.Recovery is null ? null : Of(status.Recovery),
            Patches = { status.Patches.Select(Of) },
            Move = status.Move is null ? null : ReportWire.Of(status.Move),
            Machine = status.Machine is null
                ? ByteString.Empty
                : ByteString.CopyFrom(SnapshotCodec.Encode(status.Machine).Span),
        };
        if (status.End is not null)
        {
            message.End = status.End;
            message.ExitCode = status.ExitCode ?? 0;
        }

        return message;
    }

    public static VmStatus From(VmStatusMessage message)
    {
        JournalEvent.VmCreated? created = message.VmCreated.IsEmpty
            ? null
            : WireEvent.Decode<JournalEvent.VmCreated>(EventKind.VmCreated, message.VmCreated);
        return new VmStatus(
            VmId.Parse(message.Vm),
            (VmLifecycle)message.Lifecycle,
            NodeOf(message.Owner),
            new Epoch(message.Epoch),
            (HostVendor)message.HostVendor,
            created?.Spec,
            created?.Image ?? string.Empty,
            created?.ImageSha256 ?? string.Empty,
            message.VmTime,
            message.InstructionsRetired,
            message.DurableVmTime,
            message.ConsoleBytes,
            message.HasEnd ? message.End : null,
            message.HasExitCode ? message.ExitCode : null,
            NodeOf(message.MovingTo),
            message.Problem.Length == 0 ? null : message.Problem,
            message.Recovery is null ? null : From(message.Recovery),
            [.. message.Patches.Select(From)],
            MachineOf(message.Machine))
        {
            Move = message.Move is null ? null : ReportWire.From(message.Move),
        };
    }

    public static NodeId? NodeOf(string text) => text.Length == 0 ? null : new NodeId(text);

    private static string TextOf(NodeId? node) => node?.Value ?? string.Empty;

    private static MachineState? MachineOf(ByteString bytes) =>
        bytes.IsEmpty ? null : SnapshotCodec.Decode(bytes.Memory);

    private static ByteString OfSpec(VmStatus status) => status.Spec is null
        ? ByteString.Empty
        : WireEvent.Encode(new JournalEvent.VmCreated(
            status.Spec, status.Image, status.ImageSha256, CommandLine: string.Empty));

    private static RecoveryMessage Of(RecoveryReport report) => new()
    {
        From = TextOf(report.From),
        Epoch = report.Epoch.Value,
        SnapshotVmTime = report.SnapshotVmTime,
        VmTime = report.VmTime,
        EventsReplayed = (uint)report.EventsReplayed,
        TookUs = (ulong)report.Took.TotalMicroseconds,
    };

    private static RecoveryReport From(RecoveryMessage message) => new(
        NodeOf(message.From),
        new Epoch(message.Epoch),
        message.SnapshotVmTime,
        message.VmTime,
        (int)message.EventsReplayed,
        TimeSpan.FromMicroseconds(message.TookUs));

    private static PatchMessage Of(VcpuPatch patch) => new()
    {
        Patch = WireEvent.Encode(new JournalEvent.PatchApplied(patch.Patch)),
        Node = TextOf(patch.Node),
        Epoch = patch.Epoch.Value,
    };

    private static VcpuPatch From(PatchMessage message) => new(
        WireEvent.Decode<JournalEvent.PatchApplied>(EventKind.PatchApplied, message.Patch).Patch,
        NodeOf(message.Node),
        new Epoch(message.Epoch));
}
