// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Migration;
using KvmActors.Actors.Wire;
using KvmActors.Persistence;

namespace KvmActors.Actors.Cluster;

/// <summary>What is told of moves to and from its messages in <c>link.proto</c>. Pure.</summary>
internal static class ReportWire
{
    public static MigratedAnswer Of(MigrationReport report)
    {
        MigratedAnswer answer = new()
        {
            Migration = report.Migration.Value,
            Stream = report.Stream.Value,
            Vcpus = (uint)report.Vcpus,
            From = report.From.Value,
            To = report.To.Value,
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
            answer.DowntimeUs = (ulong)downtime.Total.TotalMicroseconds;
            answer.Downtime = Of(downtime);
        }

        return answer;
    }

    public static MigrationReport From(MigratedAnswer answer) => new(
        new MigrationId(answer.Migration),
        new StreamId(answer.Stream),
        Math.Max((int)answer.Vcpus, 1),
        new NodeId(answer.From),
        new NodeId(answer.To),
        new Epoch(answer.EpochFrom),
        new Epoch(answer.EpochTo),
        answer.VmTime,
        answer.Downtime is { } parts ? From(parts)
            : answer.HasDowntimeUs ? DowntimeReport.OfTotal(TimeSpan.FromMicroseconds(answer.DowntimeUs)) : null,
        (int)answer.PagesPreCopied,
        (int)answer.PagesStopped,
        (int)answer.Rounds,
        answer.BytesSent);

    public static MoveProgressMessage Of(MoveProgress move) => new()
    {
        Migration = move.Migration.Value,
        To = move.To.Value,
        Phase = (uint)move.Phase,
        Round = (uint)move.Round,
        PagesSent = (uint)move.PagesSent,
        PagesLeft = (uint)move.PagesLeft,
        BytesSent = move.BytesSent,
        TookUs = (ulong)move.Took.TotalMicroseconds,
    };

    public static MoveProgress From(MoveProgressMessage message) => new(
        new MigrationId(message.Migration),
        new NodeId(message.To),
        (MigrationPhase)message.Phase,
        (int)message.Round,
        (int)message.PagesSent,
        (int)message.PagesLeft,
        message.BytesSent,
        TimeSpan.FromMicroseconds(message.TookUs));

    public static DrainingAnswer Of(DrainStatus status) => new()
    {
        Node = status.Node.Value,
        Moved = (uint)status.Moved,
        Left = (uint)status.Left,
        Problems =
        {
            status.Problems.Select(problem => new DrainProblemMessage
            {
                Vm = problem.Vm.Value,
                Reason = problem.Reason,
            }),
        },
        IsDone = status.IsDone,
    };

    public static DrainStatus From(DrainingAnswer answer) => new(
        new NodeId(answer.Node),
        (int)answer.Moved,
        (int)answer.Left,
        [.. answer.Problems.Select(problem => new DrainProblem(VmId.Parse(problem.Vm), problem.Reason))],
        answer.IsDone);

    private static DowntimeMessage Of(DowntimeReport parts) => new()
    {
        Pause = (ulong)parts.Pause.Ticks,
        Pages = (ulong)parts.Pages.Ticks,
        Durable = (ulong)parts.Durable.Ticks,
        State = (ulong)parts.State.Ticks,
        Check = (ulong)parts.Check.Ticks,
        Commit = (ulong)parts.Commit.Ticks,
        Start = (ulong)parts.Start.Ticks,
        Link = (ulong)parts.Link.Ticks,
    };

    private static DowntimeReport From(DowntimeMessage parts) => new(
        Of(parts.Pause),
        Of(parts.Pages),
        Of(parts.Durable),
        Of(parts.State),
        Of(parts.Check),
        Of(parts.Commit),
        Of(parts.Start),
        Of(parts.Link));

    private static TimeSpan Of(ulong ticks) => TimeSpan.FromTicks((long)ticks);
}
