// SPDX-License-Identifier: Apache-2.0

using System.Globalization;
using KvmActors.Actors.Replay;
using KvmActors.Host.Debug;
using KvmActors.Machine;
using KvmActors.Persistence;
using KvmActors.Persistence.Snapshots;

namespace KvmActors.Host.Journal;

/// <summary>The part of a VM's life that <c>journal replay</c> is asked for.</summary>
internal static class ReplayRangeWords
{
    private const string SnapshotPrefix = "snapshot:";

    /// <param name="from">A snapshot (<c>snapshot:3</c>), or a moment: the latest snapshot until then.</param>
    /// <param name="to">A moment, or an event: <c>#17</c> of the VM's stream, <c>#0/5</c> of a vCPU's.</param>
    /// <exception cref="CliFault">There is no such snapshot, moment or event.</exception>
    public static async Task<ReplayRange> ParseAsync(
        IStore store, VmHistory history, string from, string to, CancellationToken stop)
    {
        IReadOnlyList<SnapshotSummary> snapshots =
            await store.ListSnapshotsAsync(history.Vm, stop).ConfigureAwait(false);
        if (snapshots.Count == 0)
        {
            throw new CliFault($"Expected a snapshot of {history.Vm} in the store, found none.");
        }

        Moment start = new(snapshots[0].VmTime);
        Moment end = new(Math.Max(history.VmTime, start.VmTime));
        SnapshotSummary first = Snapshot(snapshots, from, start, end);
        ReplayRange range = new() { SnapshotId = first.Id };
        if (to.StartsWith('#'))
        {
            ReplayEvent last = Event(history, to);
            return last.VmTime >= first.VmTime
                ? range with { UntilEvent = (last.Stream, last.Seq) }
                : throw Backwards(to, last.VmTime, first);
        }

        Moment until = MomentText.Parse(to, start, new Moment(first.VmTime), end);
        return until.Step > 0
            ? throw new CliFault(
                $"Expected a VM time or an event to replay to, found {until}. Steps are shown by: journal trace.")
            : until.VmTime < first.VmTime
                ? throw Backwards(to, until.VmTime, first)
                : to == "end" ? range : range with { UntilVmTime = until.VmTime };
    }

    private static CliFault Backwards(string to, ulong vmTime, SnapshotSummary first) => new(
        $"Expected --to behind snapshot {first.Id} at VM time {first.VmTime}, found {to}, which is at {vmTime}.");

    private static SnapshotSummary Snapshot(
        IReadOnlyList<SnapshotSummary> snapshots, string from, Moment start, Moment end)
    {
        if (!from.StartsWith(SnapshotPrefix, StringComparison.Ordinal))
        {
            Moment moment = MomentText.Parse(from, start, start, end);
            return snapshots.Last(each => each.VmTime <= moment.VmTime);
        }

        foreach (SnapshotSummary each in snapshots)
        {
            if (each.Id.ToString(CultureInfo.InvariantCulture) == from[SnapshotPrefix.Length..])
            {
                return each;
            }
        }

        throw new CliFault(
            $"Expected a stored snapshot, found {from}. Choose one of: "
            + $"{string.Join(", ", snapshots.Select(each => SnapshotPrefix + each.Id))}.");
    }

    private static ReplayEvent Event(VmHistory history, string text)
    {
        string[] parts = text[1..].Split('/');
        return history.Events.FirstOrDefault(next =>
            next.Seq.ToString(CultureInfo.InvariantCulture) == parts[^1]
            && next.Stream == (parts.Length == 1 ? history.Vm.Stream
                : int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out int vcpu)
                    ? history.Vm.Vcpu(vcpu) : history.Vm.Stream))
            ?? throw new CliFault(
                $"Expected an event (#17 of the VM's stream, #0/5 of vCPU 0's), found {text}. Look at: journal show.");
    }
}
