// SPDX-License-Identifier: Apache-2.0

using KvmActors.Host.Control.V1;

namespace KvmActors.Host.Control.Reports;

/// <summary>A VM's move that was done, as JSON shows it.</summary>
/// <param name="Vcpus">That moved with it.</param>
/// <param name="DowntimeMs">Null where the guest was not running.</param>
internal sealed record VmMoveReport(
    string Migration,
    string Vm,
    uint Vcpus,
    string From,
    string To,
    ulong EpochFrom,
    ulong EpochTo,
    ulong VmTime,
    double? DowntimeMs,
    uint PagesPreCopied,
    uint PagesStopped,
    uint Rounds)
{
    public static VmMoveReport Of(Move move) => new(
        move.Migration,
        move.Vm,
        move.Vcpus,
        move.From,
        move.To,
        move.EpochFrom,
        move.EpochTo,
        move.VmTime,
        move.HasDowntimeMs ? move.DowntimeMs : null,
        move.PagesPreCopied,
        move.PagesStopped,
        move.Rounds);
}
