// SPDX-License-Identifier: Apache-2.0

using KvmActors.Host.Control.V1;

namespace KvmActors.Host.Control.Reports;

/// <summary>A migration that was done, as JSON shows it.</summary>
/// <param name="DowntimeMs">Null where the guest was not running.</param>
internal sealed record MoveReport(
    string Migration,
    string Vcpu,
    string From,
    string To,
    ulong EpochFrom,
    ulong EpochTo,
    ulong VmTime,
    double? DowntimeMs,
    uint PagesPreCopied,
    uint PagesStopped)
{
    public static MoveReport Of(MigrateVcpuReply move) => new(
        move.Migration,
        move.Vcpu,
        move.From,
        move.To,
        move.EpochFrom,
        move.EpochTo,
        move.VmTime,
        move.HasDowntimeMs ? move.DowntimeMs : null,
        move.PagesPreCopied,
        move.PagesStopped);
}
