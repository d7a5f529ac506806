// SPDX-License-Identifier: Apache-2.0

using KvmActors.Persistence.Wire;

namespace KvmActors.Persistence.Events;

/// <summary>A <see cref="VmOrigin"/> to and from its message.</summary>
internal static class VmOriginWire
{
    internal static WireVmOrigin? Of(VmOrigin? origin) => origin is null ? null : new WireVmOrigin
    {
        Kind = origin.Kind switch
        {
            VmOriginKind.File => WireVmOriginKind.File,
            VmOriginKind.Fork => WireVmOriginKind.Fork,
        },
        Vm = origin.Vm.Value,
        VmTime = origin.VmTime,
        InstructionsRetired = origin.InstructionsRetired,
        ConsoleBytes = origin.ConsoleBytes,
        StateHash = MachineWire.Of(origin.State),
        MemorySum = MachineWire.Of(origin.Memory),
        FileSha256 = origin.FileSha256,
    };

    internal static VmOrigin? From(WireVmOrigin? wire) => wire is null ? null : new VmOrigin(
        wire.Kind switch
        {
            WireVmOriginKind.File => VmOriginKind.File,
            WireVmOriginKind.Fork => VmOriginKind.Fork,
            _ => throw WireFault.Unnamed(wire.Kind),
        },
        NameFrom(wire.Vm),
        wire.VmTime,
        wire.InstructionsRetired,
        wire.ConsoleBytes,
        MachineWire.StateHash(wire.StateHash),
        MachineWire.MemorySum(wire.MemorySum))
    {
        FileSha256 = wire.FileSha256,
    };

    internal static VmId NameFrom(string name) => VmId.TryParse(name, out VmId vm)
        ? vm
        : throw new WireFault($"Expected a VM name, found \"{name}\".");
}
