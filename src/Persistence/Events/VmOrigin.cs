// SPDX-License-Identifier: Apache-2.0

using KvmActors.Machine.Hashing;

namespace KvmActors.Persistence.Events;

/// <summary>Where a VM comes from that was not booted: a moment of another VM's past. Its VM time, its counts and its
/// console go on from there.</summary>
/// <param name="Vm">The other VM's name then; it may be of another cluster.</param>
/// <param name="State">As it was there, with that node's host vendor: the VM's first snapshot may have another one.
/// </param>
public sealed record VmOrigin(
    VmOriginKind Kind,
    VmId Vm,
    ulong VmTime,
    ulong InstructionsRetired,
    ulong ConsoleBytes,
    StateHash State,
    MemorySum Memory)
{
    /// <summary>The checksum over a saved VM's file; empty for a fork.</summary>
    public string FileSha256 { get; init; } = "";
}
