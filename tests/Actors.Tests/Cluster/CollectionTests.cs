// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Kernel;
using KvmActors.Actors.Vm;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Persistence.Events;
using KvmActors.Persistence.Snapshots;
using KvmActors.TestKit.Guests;
using Xunit;

namespace KvmActors.Actors.Tests.Cluster;

/// <summary>Pages are collected while a guest runs and takes snapshots.</summary>
public sealed class CollectionTests
{
    private static readonly ModelProgram s_long = TestCluster.Program with { EndAt = 160_000_000 };

    [Fact]
    public void A_guest_whose_pages_are_collected_from_under_it_runs_on_and_takes_whole_snapshots_later()
    {
        TestCluster cluster = new(seed: 61, HostVendor.Intel, HostVendor.Intel);

        cluster.World.Run(async () =>
        {
            await cluster.StartAllAsync();
            await cluster.CreateAsync("node-1", program: s_long);
            await cluster.OrderAsync("node-1", new VmCommand.Start());
            while (!await HasRunAsync(cluster, 70_000_000))
            {
                // Between the put of a page and the commit of its snapshot there are two ways to the store and back.
                await cluster.Store.CollectAsync(retention: null, CancellationToken.None);
                await cluster.World.Time.DelayAsync(TimeSpan.FromMicroseconds(20));
            }

            IReadOnlyList<SnapshotSummary> during = await SnapshotsAsync(cluster);
            await cluster.WaitForAsync("node-1", status => status.VmTime > 125_000_000);
            IReadOnlyList<SnapshotSummary> after = await SnapshotsAsync(cluster);
            cluster["node-1"].Process.Kill();
            VmStatus status = await cluster.WaitForAsync("node-2", status => status.Recovery is not null);
            await cluster.WaitForAsync("node-2", status => status.Lifecycle == VmLifecycle.Ended);

            Assert.True(during.Count < 3, $"{during.Count} snapshots");
            Assert.True(after[^1].VmTime >= 120_000_000, $"the last snapshot is at {after[^1].VmTime}");
            Assert.True(status.Recovery!.SnapshotVmTime >= 120_000_000, $"{status.Recovery}");
            await MigrationTests.AssertEqualToTwinAsync(cluster, s_long);
        });
    }

    [Fact]
    public void Snapshots_that_cost_more_than_their_share_are_further_apart_and_their_ids_count_intervals()
    {
        TestCluster cluster = new(seed: 63) { SnapshotWaitMax = TimeSpan.FromMinutes(1) };
        cluster.Add("node-1", HostVendor.Intel);
        cluster.Add("node-2", HostVendor.Intel);

        cluster.World.Run(async () =>
        {
            await cluster.StartAllAsync();
            await cluster.CreateAsync("node-1", program: s_long);
            await cluster.OrderAsync("node-1", new VmCommand.Start());
            await cluster.WaitForAsync("node-1", status => status.VmTime > 90_000_000);
            cluster["node-1"].Process.Kill();
            await cluster.WaitForAsync("node-2", status => status.Lifecycle == VmLifecycle.Ended);

            // The first at the first interval; then the store's way there and back puts them off, but never for more
            // than the 60 million that a node here keeps.
            IReadOnlyList<SnapshotSummary> taken = await SnapshotsAsync(cluster);
            Assert.Equal(20_000_000ul, taken[1].VmTime);
            Assert.All(taken.Zip(taken.Skip(1)), pair => Assert.InRange(
                pair.Second.VmTime - pair.First.VmTime, 20_000_000ul, 61_000_000ul));
            Assert.InRange(taken.Count, 3, 6);
            Assert.All(taken, each => Assert.Equal(each.VmTime / 20_000_000, each.Id));
            await MigrationTests.AssertEqualToTwinAsync(cluster, s_long);
        });
    }

    [Fact]
    public void Snapshots_are_dropped_as_the_node_is_told_and_the_journal_still_replays()
    {
        TestCluster cluster = new(seed: 62) { Retention = new SnapshotRetention(Latest: 2, Spacing: 3) };
        cluster.Add("node-1", HostVendor.Intel);

        cluster.World.Run(async () =>
        {
            await cluster.StartAllAsync();
            await cluster.CreateAsync("node-1", program: s_long);
            await cluster.OrderAsync("node-1", new VmCommand.Start());
            await cluster.WaitForAsync("node-1", status => status.Lifecycle == VmLifecycle.Ended);
            await cluster.Store.CollectAsync(retention: null, CancellationToken.None);

            Assert.Equal([0ul, 3, 6, 7], (await SnapshotsAsync(cluster)).Select(snapshot => snapshot.Id));
            await MigrationTests.AssertEqualToTwinAsync(cluster, s_long);
        });
    }

    private static async Task<bool> HasRunAsync(TestCluster cluster, ulong vmTime) =>
        (await cluster.ShowAsync("node-1")).VmTime > vmTime;

    private static async Task<IReadOnlyList<SnapshotSummary>> SnapshotsAsync(TestCluster cluster) =>
        await cluster.Store.ListSnapshotsAsync(TestCluster.Vm, CancellationToken.None);
}
