// SPDX-License-Identifier: Apache-2.0

using KvmActors.Persistence;

namespace KvmActors.Actors.Vm;

/// <summary>How a VM came back after its node died.</summary>
/// <param name="From">The node that died; null where the same node rebuilt it.</param>
/// <param name="SnapshotVmTime">VM time of the snapshot it was rebuilt from.</param>
/// <param name="VmTime">VM time at which it goes on: that of the last journaled event.</param>
/// <param name="EventsReplayed">Journaled events behind the snapshot.</param>
/// <param name="Took">From the claim to a guest that can run.</param>
public sealed record RecoveryReport(
    NodeId? From, Epoch Epoch, ulong SnapshotVmTime, ulong VmTime, int EventsReplayed, TimeSpan Took);
