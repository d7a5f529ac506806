// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Machine;
using KvmActors.Persistence;

namespace KvmActors.Actors.Replay;

/// <summary>A settled state of a guest, kept in memory, to which a replica can be put back.</summary>
/// <param name="Applied">For each stream the sequence of the last event that has entered the guest.</param>
internal sealed record Checkpoint(
    MachineState State, PageMap Pages, ImmutableDictionary<StreamId, ulong> Applied)
{
    public ulong VmTime => State.VmTime;

    public ulong InstructionsRetired(int vcpu) => State.Vcpus[vcpu].InstructionsRetired;
}
