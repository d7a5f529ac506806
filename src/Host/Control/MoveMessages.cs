// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Cluster;
using KvmActors.Actors.Migration;
using KvmActors.Host.Control.V1;

namespace KvmActors.Host.Control;

/// <summary>What is told of moves, as messages of <c>control.proto</c>. Pure.</summary>
internal static class MoveMessages
{
    /// <summary>A move that was done.</summary>
    public static Move Of(MigrationReport report)
    {
        Move move = new()
        {
            Migration = report.Migration.ToString(),
            Vm = report.Stream.Vm.ToString(),
            Vcpus = (uint)report.Vcpus,
            From = report.From.ToString(),
            To = report.To.ToString(),
            EpochFrom = report.EpochFrom.Value,
            EpochTo = report.EpochTo.Value,
            VmTime = report.VmTime,
            PagesPreCopied = (uint)report.PagesPreCopied,
            PagesStopped = (uint)report.PagesStopped,
            Rounds = (uint)report.Rounds,
            BytesSent = report.BytesSent,
        };
        if (report.Downtime is { } downtime)
        {
            move.DowntimeMs = downtime.Total.TotalMilliseconds;
            move.Downtime = Of(downtime);
        }

        return move;
    }

    public static V1.MoveProgress Of(Actors.Migration.MoveProgress move) => new()
    {
        Migration = move.Migration.ToString(),
        To = move.To.ToString(),
        Phase = WordOf(move.Phase),
        Round = (uint)move.Round,
        PagesSent = (uint)move.PagesSent,
        PagesLeft = (uint)move.PagesLeft,
        BytesSent = move.BytesSent,
        TookMs = move.Took.TotalMilliseconds,
    };

    public static DrainNodeReply Of(DrainStatus status) => new()
    {
        NodeId = status.Node.ToString(),
        Moved = (uint)status.Moved,
        Left = (uint)status.Left,
        Problems =
        {
            status.Problems.Select(problem => new V1.DrainProblem
            {
                Vm = problem.Vm.ToString(),
                Reason = problem.Reason,
            }),
        },
        IsDone = status.IsDone,
    };

    public static CheckMoveReply Of(ControlReply.MoveChecked check) => new()
    {
        Vm = check.Vm.ToString(),
        From = check.From.ToString(),
        To = check.To.ToString(),
        Missing =
        {
            check.Missing.Select(why => new MoveObstacle
            {
                Expected = why.Expected,
                Found = why.Found,
                WhatToDo = why.WhatToDo,
            }),
        },
    };

    private static Downtime Of(DowntimeReport parts) => new()
    {
        PauseMs = parts.Pause.TotalMilliseconds,
        PagesMs = parts.Pages.TotalMilliseconds,
        DurableMs = parts.Durable.TotalMilliseconds,
        StateMs = parts.State.TotalMilliseconds,
        CheckMs = parts.Check.TotalMilliseconds,
        CommitMs = parts.Commit.TotalMilliseconds,
        StartMs = parts.Start.TotalMilliseconds,
        LinkMs = parts.Link.TotalMilliseconds,
    };

    private static string WordOf(MigrationPhase phase) => phase switch
    {
        MigrationPhase.Offer => "offer",
        MigrationPhase.Begin => "begin",
        MigrationPhase.PreCopy => "preCopy",
        MigrationPhase.Pause => "pause",
        MigrationPhase.StopAndCopy => "stopAndCopy",
        MigrationPhase.HandOver => "handOver",
    };
}
