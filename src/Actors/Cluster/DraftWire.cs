// SPDX-License-Identifier: Apache-2.0

using Google.Protobuf;
using KvmActors.Actors.Wire;
using KvmActors.Persistence;
using KvmActors.Persistence.Events;
using KvmActors.Persistence.Snapshots;

namespace KvmActors.Actors.Cluster;

/// <summary>What a VM is restored of, and where a snapshot was taken, to and from messages of <c>link.proto</c>. Pure.
/// </summary>
internal static class DraftWire
{
    public static RestoreCall Of(VmDraft draft) => new()
    {
        VmCreated = WireEvent.Encode(draft.Created),
        Machine = UnsafeByteOperations.UnsafeWrap(SnapshotCodec.Encode(draft.Machine)),
        PageIndex = UnsafeByteOperations.UnsafeWrap(PageIndexCodec.Encode(draft.Pages)),
        Console = UnsafeByteOperations.UnsafeWrap(draft.Console),
        OnNode = draft.OnNode ?? string.Empty,
        PagesSince = draft.PagesSince,
    };

    /// <exception cref="InvalidDataException">No draft.</exception>
    public static VmDraft From(RestoreCall call, VmId vm)
    {
        try
        {
            return new VmDraft(
                vm,
                WireEvent.Decode<JournalEvent.VmCreated>(EventKind.VmCreated, call.VmCreated),
                SnapshotCodec.Decode(call.Machine.Memory),
                PageIndexCodec.Decode(call.PageIndex.Memory),
                call.Console.Memory,
                call.OnNode.Length == 0 ? null : call.OnNode)
            {
                PagesSince = call.PagesSince,
            };
        }
        catch (Exception fault) when (fault is StoreCorruptException or JournalFormatException)
        {
            throw new InvalidDataException($"A link message holds no VM to restore: {fault.Message}", fault);
        }
    }

    public static SnapshotAnswer Of(ControlReply.SnapshotTaken taken) => new()
    {
        Vm = taken.Vm.Value,
        Id = taken.Id,
        VmTime = taken.VmTime,
        Node = taken.Node.Value,
    };

    public static ControlReply.SnapshotTaken From(SnapshotAnswer answer) =>
        new(VmId.Parse(answer.Vm), answer.Id, answer.VmTime, new NodeId(answer.Node));
}
