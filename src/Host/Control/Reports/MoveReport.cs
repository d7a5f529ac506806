// SPDX-License-Identifier: Apache-2.0

using KvmActors.Host.Control.V1;

namespace KvmActors.Host.Control.Reports;

/// <summary>A VM's move that was done, as JSON shows it.</summary>
/// <param name="Vcpus">That moved with it.</param>
/// <param name="DowntimeMs">Null where the guest was not running.</param>
/// <param name="Downtime">Its parts, which sum to it.</param>
internal sealed record MoveReport(
    string Migration,
    string Vm,
    uint Vcpus,
    string From,
    string To,
    ulong EpochFrom,
    ulong EpochTo,
    ulong VmTime,
    double? DowntimeMs,
    MoveReport.Parts? Downtime,
    uint PagesPreCopied,
    uint PagesStopped,
    uint Rounds,
    ulong BytesSent)
{
    public static MoveReport Of(Move move) => new(
        move.Migration,
        move.Vm,
        move.Vcpus,
        move.From,
        move.To,
        move.EpochFrom,
        move.EpochTo,
        move.VmTime,
        move.HasDowntimeMs ? move.DowntimeMs : null,
        move.Downtime is { } parts ? Parts.Of(parts) : null,
        move.PagesPreCopied,
        move.PagesStopped,
        move.Rounds,
        move.BytesSent);

    internal sealed record Parts(
        double PauseMs,
        double PagesMs,
        double DurableMs,
        double StateMs,
        double CheckMs,
        double CommitMs,
        double StartMs,
        double LinkMs)
    {
        public static Parts Of(Downtime parts) => new(
            parts.PauseMs,
            parts.PagesMs,
            parts.DurableMs,
            parts.StateMs,
            parts.CheckMs,
            parts.CommitMs,
            parts.StartMs,
            parts.LinkMs);
    }
}
