// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Cluster;
using KvmActors.Actors.Kernel;
using KvmActors.Actors.Replay;
using KvmActors.Actors.Vm;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Persistence;
using KvmActors.Persistence.Events;
using Xunit;

namespace KvmActors.Actors.Tests.Cluster;

public sealed class FailoverTests
{
    [Fact]
    public void A_killed_node_is_taken_over_without_waiting_for_its_lease()
    {
        TestCluster cluster = new(seed: 21, HostVendor.Intel, HostVendor.Intel, HostVendor.Intel);

        cluster.World.Run(async () =>
        {
            await RunUntilAsync(cluster, vmTime: 25_000_000);
            TimeSpan killed = cluster.World.Time.Elapsed;

            cluster["node-1"].Process.Kill();

            VmStatus status = await cluster.WaitForAsync("node-2", status => status.Recovery is not null);
            Assert.True(cluster.World.Time.Elapsed - killed < TimeSpan.FromSeconds(1));
            Assert.Equal(new Epoch(2), status.Epoch);
            Assert.True(status.Recovery!.SnapshotVmTime == 20_000_000, $"snapshot at {status.Recovery.SnapshotVmTime}");
            await cluster.WaitForAsync("node-2", status => status.Lifecycle == VmLifecycle.Ended);
            await MigrationTests.AssertEqualToTwinAsync(cluster);
        });
    }

    [Fact]
    public void A_frozen_node_is_fenced_and_loses_nothing_that_was_released()
    {
        TestCluster cluster = new(seed: 22, HostVendor.Intel, HostVendor.Amd);

        cluster.World.Run(async () =>
        {
            await RunUntilAsync(cluster, vmTime: 25_000_000);
            Task<string> console = cluster.ReadConsoleAsync("node-2");

            cluster["node-1"].Process.Freeze();
            await cluster.WaitForAsync("node-2", status => status.Epoch == new Epoch(2));
            cluster["node-1"].Process.Thaw();

            Assert.Equal(OneNodeTests.Sha256(await console), (await cluster.TwinAsync()).ConsoleSha256);
            await cluster["node-1"].Node.DeclaredDead;
            Assert.Empty(cluster["node-1"].Node.Board.All);
            await MigrationTests.AssertEqualToTwinAsync(cluster);
        });
    }

    [Fact]
    public void A_node_that_cannot_reach_the_store_stops_its_guest_before_its_lease_ends()
    {
        TestCluster cluster = new(seed: 23, HostVendor.Intel);

        cluster.World.Run(async () =>
        {
            await RunUntilAsync(cluster, vmTime: 25_000_000);

            cluster["node-1"].Store.IsOut = true;
            await cluster.World.Time.DelayAsync(TimeSpan.FromSeconds(4));
            Assert.False(cluster["node-1"].Node.HoldsLease);
            ulong stoodAt = cluster["node-1"].Node.Board.Find(TestCluster.Vm)!.VmTime;
            await cluster.World.Time.DelayAsync(TimeSpan.FromSeconds(4));
            Assert.Equal(stoodAt, cluster["node-1"].Node.Board.Find(TestCluster.Vm)!.VmTime);

            cluster["node-1"].Store.IsOut = false;
            await cluster.WaitForAsync("node-1", status => status.Lifecycle == VmLifecycle.Ended);
            await MigrationTests.AssertEqualToTwinAsync(cluster);
        });
    }

    [Fact]
    public void A_node_that_stops_in_order_is_taken_over_at_once()
    {
        TestCluster cluster = new(seed: 24, HostVendor.Intel, HostVendor.Intel);

        cluster.World.Run(async () =>
        {
            await RunUntilAsync(cluster, vmTime: 15_000_000);

            await cluster["node-1"].StopAsync();

            await cluster.WaitForAsync("node-2", status => status.Lifecycle == VmLifecycle.Ended);
            await MigrationTests.AssertEqualToTwinAsync(cluster);
        });
    }

    [Fact]
    public void A_vm_that_has_ended_keeps_its_last_state_when_a_node_of_the_other_vendor_gets_it()
    {
        TestCluster cluster = new(seed: 29, HostVendor.Intel, HostVendor.Amd);

        cluster.World.Run(async () =>
        {
            await RunUntilAsync(cluster, vmTime: 15_000_000);
            await cluster.WaitForAsync("node-1", status => status.Lifecycle == VmLifecycle.Ended);

            await cluster["node-1"].StopAsync();

            await cluster.WaitForAsync("node-2", status => status.HostVendor == HostVendor.Amd);
            await MigrationTests.AssertEqualToTwinAsync(cluster);
            VmHistory history = await JournalReplayer.ReadHistoryAsync(
                cluster.Store, TestCluster.Vm, CancellationToken.None);
            JournalEvent.Progress end =
                history.Events.Select(next => next.Event).OfType<JournalEvent.Progress>().Last();
            TwinResult twin = await cluster.TwinAsync();
            Assert.Equal(end.State, twin.RunState);
            Assert.Equal(end.Memory, twin.Memory);
        });
    }

    [Fact]
    public void A_vm_whose_engine_fails_is_rebuilt_on_its_node()
    {
        TestCluster cluster = new(seed: 25, HostVendor.Intel);

        cluster.World.Run(async () =>
        {
            await RunUntilAsync(cluster, vmTime: 15_000_000);

            cluster.Guests.FailsNextSlice = true;

            VmStatus end = await cluster.WaitForAsync("node-1", status => status.Lifecycle == VmLifecycle.Ended);
            Assert.Equal(Epoch.First, end.Epoch);
            Assert.NotNull(end.Recovery);
            Assert.Single(cluster.Events, e => e.Event is ClusterEvent.VmFailed);
            await MigrationTests.AssertEqualToTwinAsync(cluster);
        });
    }

    [Fact]
    public void A_vm_that_fails_again_and_again_is_quarantined_and_says_why()
    {
        TestCluster cluster = new(seed: 26, HostVendor.Intel);

        cluster.World.Run(async () =>
        {
            await RunUntilAsync(cluster, vmTime: 15_000_000);
            while (!cluster.Events.Any(e => e.Event is ClusterEvent.VmQuarantined))
            {
                cluster.Guests.FailsNextSlice = true;
                await cluster.World.Time.DelayAsync(TimeSpan.FromMilliseconds(1));
            }

            cluster.Guests.FailsNextSlice = false;
            VmStatus status = await cluster.WaitForAsync(
                "node-1", status => status.Lifecycle == VmLifecycle.Quarantined);

            Assert.Contains("Quarantined", status.Problem, StringComparison.Ordinal);
            ControlReply.Refused refused =
                Assert.IsType<ControlReply.Refused>(await cluster.OrderAsync("node-1", new VmCommand.Start()));
            Assert.Contains("quarantined", refused.Why.Sentence, StringComparison.Ordinal);
        });
    }

    [Theory]
    [InlineData(101)]
    [InlineData(102)]
    [InlineData(103)]
    [InlineData(104)]
    [InlineData(105)]
    [InlineData(106)]
    public void With_a_faulty_store_and_network_the_end_is_that_of_the_twin(ulong seed)
    {
        TestCluster cluster = new(seed, HostVendor.Intel, HostVendor.Amd, HostVendor.Intel);

        cluster.World.Run(async () =>
        {
            await RunUntilAsync(cluster, vmTime: 3_000_000);
            foreach (string node in (string[])["node-1", "node-2", "node-3"])
            {
                cluster[node].Store.Faults = TestKit.Simulation.StoreFaults.None with
                {
                    RefuseChance = 0.02,
                    LoseRequestChance = 0.02,
                    LoseReplyChance = 0.02,
                    LateChance = 0.02,
                    LateBy = TimeSpan.FromMilliseconds(30),
                };
            }

            Task<string> console = cluster.ReadConsoleAsync("node-3");
            await cluster.WaitForAsync("node-3", status => status.VmTime > 15_000_000);
            _ = await cluster.MigrateAsync("node-3", "node-2");
            VmStatus status = await cluster.WaitForAsync("node-3", status => status.VmTime > 35_000_000);
            if (status.Owner!.Value.Name != "node-3")
            {
                cluster[status.Owner!.Value.Name].Process.Kill();
            }

            string text = await console;
            Assert.Equal(OneNodeTests.Sha256(text), (await cluster.TwinAsync()).ConsoleSha256);
            await MigrationTests.AssertEqualToTwinAsync(cluster);
        });
    }


    internal static async Task RunUntilAsync(TestCluster cluster, ulong vmTime)
    {
        await cluster.StartAllAsync();
        Assert.IsType<ControlReply.Done>(await cluster.CreateAsync("node-1"));
        Assert.IsType<ControlReply.Done>(await cluster.OrderAsync("node-1", new VmCommand.Start()));
        await cluster.WaitForAsync("node-1", status => status.VmTime > vmTime);
    }
}
