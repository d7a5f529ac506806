// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Actors.Replay;
using KvmActors.Actors.Tests.Cluster;
using KvmActors.Actors.Vm;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Machine.Hashing;
using KvmActors.Persistence;
using KvmActors.Persistence.Events;
using KvmActors.Persistence.Snapshots;
using Xunit;

namespace KvmActors.Actors.Tests.Replay;

/// <summary>A journal that was changed in one place is replayed up to that place, and the place is named.</summary>
public sealed class GuestReplayTests
{
    private static readonly Lazy<Task<Recorded>> s_recorded = new(RecordAsync);

    private sealed record Recorded(TestCluster Cluster, VmHistory History, SnapshotRecord First);

    [Fact]
    public async Task An_unchanged_journal_is_equal()
    {
        Recorded recorded = await s_recorded.Value;

        GuestReplay replay = await ReplayAsync(recorded, recorded.History.Behind(recorded.First));

        Assert.Null(replay.Divergence);
        Assert.True(replay.PatchesSeen > 0, "The guest must rewrite a site, else this proves nothing of patches.");
        Assert.Equal(recorded.History.Behind(recorded.First).Length, replay.EventsReplayed);
    }

    [Theory]
    [InlineData("state")]
    [InlineData("memory")]
    [InlineData("instructions")]
    [InlineData("console")]
    [InlineData("patch bytes")]
    [InlineData("patch missing")]
    [InlineData("patch too many")]
    [InlineData("input")]
    [InlineData("input later")]
    [InlineData("vendor")]
    [InlineData("end")]
    [InlineData("end later")]
    [InlineData("snapshot")]
    public async Task A_change_is_found_and_named(string change)
    {
        Recorded recorded = await s_recorded.Value;
        ImmutableArray<ReplayEvent> events = recorded.History.Behind(recorded.First);
        (ImmutableArray<ReplayEvent> changed, ulong vmTime) = Change(events, change);

        GuestReplay replay = await ReplayAsync(recorded, changed);

        Assert.NotNull(replay.Divergence);
        Assert.InRange(replay.Divergence.VmTime, vmTime, vmTime + 10_000_000);
        Assert.NotEqual(replay.Divergence.Expected, replay.Divergence.Found);
    }

    [Fact]
    public void Streams_are_merged_by_time_then_vm_before_vcpu_then_sequence()
    {
        ReplayEvent[] events =
        [
            At("web/0", 1, 5), At("web", 2, 5), At("web", 1, 5), At("web/0", 2, 7), At("web", 3, 6),
        ];

        Assert.Equal(
            ["web:1", "web:2", "web/0:1", "web:3", "web/0:2"],
            ReplayOrder.Merge(events).Select(next => $"{next.Stream}:{next.Seq}"));
    }

    [Fact]
    public void Time_that_runs_backwards_within_a_stream_is_corruption() =>
        Assert.Throws<StoreCorruptException>(() => ReplayOrder.Merge([At("web", 1, 6), At("web", 2, 5)]));

    private static ReplayEvent At(string stream, ulong seq, ulong vmTime) =>
        new(new StreamId(stream), seq, Epoch.First, vmTime, new JournalEvent.Quarantined("none"));

    private static (ImmutableArray<ReplayEvent> Changed, ulong VmTime) Change(
        ImmutableArray<ReplayEvent> events, string change) => change switch
        {
            "state" => Edit<JournalEvent.Progress>(events, p => p with { State = new StateHash(new string('0', 64)) }),
            "memory" => Edit<JournalEvent.Progress>(
                events, p => p with { Memory = new MemorySum(1) }, static p => p.Memory is not null),
            "instructions" => Edit<JournalEvent.Progress>(
                events, p => p with { InstructionsRetired = p.InstructionsRetired + 1 }),
            "console" => Edit<JournalEvent.Progress>(events, p => p with { ConsoleBytes = p.ConsoleBytes + 1 }),
            "patch bytes" => Edit<JournalEvent.PatchApplied>(
                events, p => new JournalEvent.PatchApplied(p.Patch with { Before = p.Patch.After })),
            "patch missing" => Drop<JournalEvent.PatchApplied>(events),
            "patch too many" => Twice<JournalEvent.PatchApplied>(events),
            "input" => Edit<JournalEvent.InputArrived>(events, static _ => new JournalEvent.InputArrived([(byte)'?'])),
            "input later" => Later<JournalEvent.InputArrived>(events),
            "vendor" => Edit<JournalEvent.Placed>(
                events, static p => p with { HostVendor = HostVendor.Intel }, static p => p.Epoch == new Epoch(2)),
            "end" => Edit<JournalEvent.LifecycleChanged>(
                events,
                static c => c with { End = new Machine.MachineEnd.PoweredOff() },
                static c => c.To == VmLifecycle.Ended),
            "end later" => Later<JournalEvent.LifecycleChanged>(events, static c => c.To == VmLifecycle.Ended),
            "snapshot" => Edit<JournalEvent.SnapshotTaken>(events, static s => s with { Memory = new MemorySum(2) }),
            _ => throw new ArgumentException(change),
        };

    private static (ImmutableArray<ReplayEvent> Changed, ulong VmTime) Edit<T>(
        ImmutableArray<ReplayEvent> events, Func<T, JournalEvent> edit, Func<T, bool>? which = null)
        where T : JournalEvent
    {
        ReplayEvent found = Find(events, which);
        return (events.Replace(found, found with { Event = edit((T)found.Event) }), found.VmTime);
    }

    private static (ImmutableArray<ReplayEvent> Changed, ulong VmTime) Drop<T>(ImmutableArray<ReplayEvent> events)
        where T : JournalEvent
    {
        ReplayEvent found = Find<T>(events, null);
        return (events.Remove(found), found.VmTime);
    }

    private static (ImmutableArray<ReplayEvent> Changed, ulong VmTime) Twice<T>(ImmutableArray<ReplayEvent> events)
        where T : JournalEvent
    {
        ReplayEvent found = Find<T>(events, null);
        return (events.Insert(events.IndexOf(found), found), found.VmTime);
    }

    private static (ImmutableArray<ReplayEvent> Changed, ulong VmTime) Later<T>(
        ImmutableArray<ReplayEvent> events, Func<T, bool>? which = null)
        where T : JournalEvent
    {
        ReplayEvent found = Find(events, which);
        IEnumerable<ReplayEvent> moved = events.Replace(found, found with { VmTime = found.VmTime + 700_000 })
            .Where(next => next == found || next.Seq <= found.Seq || next.VmTime >= found.VmTime + 700_000
                || next.Stream != found.Stream);
        return ([.. moved.OrderBy(next => next.VmTime)], found.VmTime);
    }

    private static ReplayEvent Find<T>(ImmutableArray<ReplayEvent> events, Func<T, bool>? which)
        where T : JournalEvent =>
        events.First(next => next.Stream.VcpuIndex < 0 == (typeof(T) != typeof(JournalEvent.PatchApplied))
            && next.Event is T match && (which is null || which(match)));

    private static async Task<GuestReplay> ReplayAsync(Recorded recorded, ImmutableArray<ReplayEvent> events)
    {
        IReadOnlyList<ReadOnlyMemory<byte>> pages = await recorded.Cluster.Store.GetAsync(
            [.. recorded.First.Pages.Select(page => page.Digest)], CancellationToken.None);
        using IGuest guest = recorded.Cluster.Guests.Restore(
            recorded.History.FoldVm().Spec,
            SnapshotCodec.Decode(recorded.First.State),
            recorded.First.Pages.Select((page, index) => ((int)page.PageNumber, pages[index])));
        GuestReplay replay = new(guest, consoleBytes: 0, events, static (_, _) => { });
        while (replay.Step(static () => true))
        {
        }

        return replay;
    }

    private static async Task<Recorded> RecordAsync()
    {
        TestCluster cluster = new(seed: 77, HostVendor.Intel, HostVendor.Amd);
        cluster.World.Run(async () =>
        {
            await cluster.StartAllAsync();
            await cluster.CreateAsync("node-1");
            await cluster.OrderAsync("node-1", new VmCommand.Start());
            await cluster.WaitForAsync("node-1", status => status.VmTime > 10_000_000);
            await cluster.OrderAsync("node-1", new VmCommand.Input([(byte)'x']));
            await cluster.MigrateAsync("node-1", "node-2");
            await cluster.WaitForAsync("node-1", status => status.Lifecycle == VmLifecycle.Ended);
        });
        VmHistory history = await JournalReplayer.ReadHistoryAsync(
            cluster.Store, TestCluster.Vm, CancellationToken.None);
        SnapshotRecord? first = await cluster.Store.FindAsync(TestCluster.Vm, 0, CancellationToken.None);
        return new Recorded(cluster, history, first!);
    }
}
