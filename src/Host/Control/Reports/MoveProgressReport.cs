// SPDX-License-Identifier: Apache-2.0

using KvmActors.Host.Control.V1;

namespace KvmActors.Host.Control.Reports;

/// <summary>How far a move has come, as JSON shows it.</summary>
internal sealed record MoveProgressReport(
    string Migration,
    string To,
    string Phase,
    uint Round,
    uint PagesSent,
    uint PagesLeft,
    ulong BytesSent,
    double TookMs)
{
    public static MoveProgressReport Of(MoveProgress move) => new(
        move.Migration,
        move.To,
        move.Phase,
        move.Round,
        move.PagesSent,
        move.PagesLeft,
        move.BytesSent,
        move.TookMs);
}
