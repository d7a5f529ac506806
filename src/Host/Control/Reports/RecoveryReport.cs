// SPDX-License-Identifier: Apache-2.0

using KvmActors.Host.Control.V1;

namespace KvmActors.Host.Control.Reports;

/// <summary>How a VM came back after a node's death, as JSON shows it.</summary>
internal sealed record RecoveryReport(
    string From, ulong Epoch, ulong SnapshotVmTime, ulong VmTime, uint EventsReplayed, double TookMs)
{
    public static RecoveryReport Of(Recovery recovery) => new(
        recovery.From,
        recovery.Epoch,
        recovery.SnapshotVmTime,
        recovery.VmTime,
        recovery.EventsReplayed,
        recovery.TookMs);
}
