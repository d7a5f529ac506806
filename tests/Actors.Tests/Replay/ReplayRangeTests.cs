// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Replay;
using KvmActors.Actors.Tests.Cluster;
using KvmActors.Actors.Vm;
using KvmActors.Machine.Hashing;
using KvmActors.Persistence.Events;
using KvmActors.Persistence.Snapshots;
using Xunit;

namespace KvmActors.Actors.Tests.Replay;

/// <summary>Parts of a recorded life, replayed from any stored snapshot to any VM time or event.</summary>
public sealed class ReplayRangeTests
{
    private static readonly Lazy<Task<TestCluster>> s_recorded = new(
        () => EchoCluster.RecordAsync(seed: 5, secondRests: false));

    [Fact]
    public async Task A_part_begins_at_a_snapshot_and_ends_at_a_vm_time_or_an_event()
    {
        TestCluster cluster = await s_recorded.Value;
        VmHistory history = await HistoryAsync(cluster);
        SnapshotSummary last = (await cluster.Store.ListSnapshotsAsync(TestCluster.Vm, CancellationToken.None))[^1];
        ReplayEvent known = history.Events.Last(next => next.Event is JournalEvent.Progress && next.VmTime > last.VmTime
            && next.VmTime < history.VmTime);
        using Timeline timeline = await Timeline.OpenAsync(
            cluster.Store, TestCluster.Vm, TimeProvider.System, CancellationToken.None);
        ReplayRange range = new() { SnapshotId = last.Id, ChecksSnapshots = true };

        ReplayReport toEvent = await ReplayAsync(
            cluster, history, range with { UntilEvent = (known.Stream, known.Seq) });
        ReplayReport toTime = await ReplayAsync(cluster, history, range with { UntilVmTime = known.VmTime - 1 });

        Assert.True(toEvent.IsEqual, toEvent.Divergence?.Sentence);
        Assert.Equal((last.Id, last.VmTime), (toEvent.FromSnapshot, toEvent.FromVmTime));
        Assert.Equal((known.VmTime, (ulong?)known.VmTime), (toEvent.VmTime, toEvent.EqualUntil));
        Assert.Equal(((JournalEvent.Progress)known.Event).State, toEvent.State);
        Assert.True(toTime.IsEqual, toTime.Divergence?.Sentence);
        await timeline.GoToAsync(new Machine.Moment(known.VmTime - 1), CancellationToken.None);
        Assert.Equal(timeline.Machine.HashState(), toTime.State);
        Assert.Equal(timeline.Machine.SumMemory(), toTime.Memory);
        Assert.Equal(EchoGuestVcpus(timeline), toTime.Vcpus.Select(vcpu => vcpu.Rip));
    }

    [Fact]
    public async Task The_first_state_that_is_another_is_named_with_the_last_that_was_equal()
    {
        TestCluster cluster = await s_recorded.Value;
        VmHistory history = await HistoryAsync(cluster);
        ReplayEvent[] compared =
        [
            .. history.Events.Where(next => next is { VmTime: > 0, Event: JournalEvent.Progress }
                or { VmTime: > 0, Event: JournalEvent.SnapshotTaken }),
        ];
        ReplayEvent wrong = compared.Where(next => next.Event is JournalEvent.Progress).ElementAt(5);
        var progress = (JournalEvent.Progress)wrong.Event;
        ReplayEvent altered = wrong with { Event = progress with { State = new StateHash(new string('7', 64)) } };

        ReplayReport report = await ReplayAsync(
            cluster, history with { Events = history.Events.Replace(wrong, altered) }, ReplayRange.All);

        Assert.Equal((wrong.Stream, wrong.Seq), (report.Divergence!.Stream, report.Divergence.Seq));
        Assert.Equal($"state {new string('7', 64)}", report.Divergence.Expected);
        Assert.Equal($"state {progress.State}", report.Divergence.Found);
        Assert.Equal(compared[Array.IndexOf(compared, wrong) - 1].VmTime, report.EqualUntil);
    }

    [Fact]
    public async Task A_snapshot_that_is_not_what_the_journal_says_is_named()
    {
        TestCluster cluster = await s_recorded.Value;
        VmHistory history = await HistoryAsync(cluster);
        ReplayEvent taken = history.Events.Last(next => next.Event is JournalEvent.SnapshotTaken);

        // As if snapshot 0 had been stored under the id of the last.
        ReplayEvent first = history.Events.First(next => next.Event is JournalEvent.SnapshotTaken);
        var of = (JournalEvent.SnapshotTaken)first.Event;
        ulong id = ((JournalEvent.SnapshotTaken)taken.Event).SnapshotId;
        SnapshotCheck check = new(cluster.Store, new MachineGuestFactory("test"), history.FoldVm().Spec);

        Divergence? found = await check.RunAsync(
            [taken with { Event = of with { SnapshotId = id } }], CancellationToken.None);

        Assert.True(id > 0, "one snapshot only");
        Assert.StartsWith($"snapshot {id} with state {of.State}", found!.Expected, StringComparison.Ordinal);
        Assert.Null(await check.RunAsync(history.Events, CancellationToken.None));
    }

    private static IEnumerable<ulong> EchoGuestVcpus(Timeline timeline) =>
        timeline.Machine.Save().Vcpus.Select(vcpu => vcpu.Rip);

    private static Task<VmHistory> HistoryAsync(TestCluster cluster) =>
        JournalReplayer.ReadHistoryAsync(cluster.Store, TestCluster.Vm, CancellationToken.None);

    private static Task<ReplayReport> ReplayAsync(TestCluster cluster, VmHistory history, ReplayRange range) =>
        JournalReplayer.ReplayAsync(
            cluster.Store,
            history,
            range,
            new MachineGuestFactory("test"),
            TimeProvider.System,
            progress: null,
            CancellationToken.None);
}
