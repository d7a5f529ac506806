// SPDX-License-Identifier: Apache-2.0

using KvmActors.Host.Control.V1;

namespace KvmActors.Host.Control.Reports;

/// <summary>Whether a VM can be moved, as JSON shows it.</summary>
/// <param name="Missing">All that stands against it.</param>
internal sealed record MoveCheckReport(
    string Vm, string From, string To, bool CanMove, IReadOnlyList<MoveCheckReport.Obstacle> Missing)
{
    public static MoveCheckReport Of(CheckMoveReply check) => new(
        check.Vm,
        check.From,
        check.To,
        check.Missing.Count == 0,
        [.. check.Missing.Select(why => new Obstacle(why.Expected, why.Found, why.WhatToDo))]);

    internal sealed record Obstacle(string Expected, string Found, string WhatToDo);
}
