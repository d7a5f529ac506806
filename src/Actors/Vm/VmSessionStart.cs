// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Actors.Vcpu;
using KvmActors.Machine;
using KvmActors.Persistence;
using KvmActors.Persistence.Snapshots;

namespace KvmActors.Actors.Vm;

/// <summary>Everything a <see cref="VmSession"/> begins with, whether created, rebuilt or handed over.</summary>
/// <param name="SnapshotPages">Stored pages at the last snapshot.</param>
/// <param name="NextSnapshotIsFull">What changed since the last snapshot is not known.</param>
/// <param name="Machine">CPU and devices, if they are at hand.</param>
internal sealed record VmSessionStart(
    IGuest Guest,
    VmRows Rows,
    VmState State,
    ImmutableArray<VcpuActorState> Vcpus,
    ConsoleLog Console,
    ImmutableArray<PageReference> SnapshotPages,
    bool NextSnapshotIsFull,
    MachineState? Machine)
{
    /// <inheritdoc cref="Replay.VmHistory.Birth"/>
    public required Digest Birth { get; init; }
}
