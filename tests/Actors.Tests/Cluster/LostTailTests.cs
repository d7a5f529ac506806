// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Cluster;
using KvmActors.Actors.Kernel;
using KvmActors.Actors.Replay;
using KvmActors.Actors.Vm;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Persistence;
using KvmActors.Persistence.Events;
using KvmActors.Persistence.InMemory;
using KvmActors.Persistence.Ownership;
using Xunit;

namespace KvmActors.Actors.Tests.Cluster;

/// <summary>A store forgets what it acknowledged (crash point N8): the VM halts, and an operator decides.</summary>
public sealed class LostTailTests
{
    private static readonly StreamRow s_known = new(
        TestCluster.Vm.Stream,
        new NodeId("node-1#1"),
        new Epoch(3),
        StreamRowState.Owned,
        HeadSeq: 10,
        Digest.Zero,
        SnapshotId: 0,
        Migration: null,
        Target: null,
        FailCount: 0,
        OutputReleased: 0);

    public static TheoryData<string, StreamRow?, bool> Rows() => new()
    {
        { "as it was", s_known, false },
        { "a longer journal", s_known with { HeadSeq = 11 }, false },
        { "the next owner", s_known with { Epoch = new Epoch(4), Owner = new NodeId("node-2#1") }, false },
        { "quarantined", s_known with { Owner = null, State = StreamRowState.Quarantined }, false },
        { "a shorter journal", s_known with { HeadSeq = 9 }, true },
        { "an earlier epoch", s_known with { Epoch = new Epoch(2), HeadSeq = 50 }, true },
        { "another owner under the same epoch", s_known with { Owner = new NodeId("node-2#1") }, true },
        { "no such stream", null, true },
    };

    [Theory]
    [MemberData(nameof(Rows))]
    public void A_row_is_behind_if_it_could_not_have_come_of_what_was_durable(string what, StreamRow? row, bool behind)
    {
        Assert.True(LostTail.IsBehind(s_known, row) == behind, what);
    }

    [Fact]
    public void A_running_vm_halts_at_its_next_append_and_nobody_runs_it_before_it_is_released()
    {
        TestCluster cluster = new(seed: 31, HostVendor.Intel, HostVendor.Amd);

        cluster.World.Run(async () =>
        {
            await FailoverTests.RunUntilAsync(cluster, vmTime: 15_000_000);
            InMemoryStoreCopy copy = cluster.Store.Copy();
            await cluster.WaitForAsync("node-1", status => status.DurableVmTime > 25_000_000);

            cluster.Store.GoBackTo(copy);

            VmStatus halted = await cluster.WaitForAsync(
                "node-2", status => status.Lifecycle == VmLifecycle.Quarantined);
            Assert.Contains(
                "The store lost what it had acknowledged: demo was durable up to",
                halted.Problem,
                StringComparison.Ordinal);
            await cluster.World.Time.DelayAsync(TimeSpan.FromSeconds(9));
            Assert.Empty(cluster["node-1"].Node.Board.All);
            Assert.Empty(cluster["node-2"].Node.Board.All);

            await ReleaseAsync(cluster);
            VmStatus back = await cluster.WaitForAsync("node-2", status => status.Epoch == new Epoch(2));
            Assert.Equal(VmLifecycle.Paused, back.Lifecycle);
            Assert.True(back.VmTime < 25_000_000, $"It goes on at {back.VmTime}.");
            await cluster.OrderAsync("node-2", new VmCommand.Resume());
            await cluster.WaitForAsync("node-2", status => status.Lifecycle == VmLifecycle.Ended);
            ReplayReport replay = await JournalReplayer.ReplayAsync(
                cluster.Store,
                TestCluster.Vm,
                cluster.Guests,
                cluster.World.Time,
                progress: null,
                CancellationToken.None);
            Assert.Null(replay.Divergence);
        });
    }

    [Fact]
    public void A_vm_that_stands_still_halts_when_the_store_comes_back_with_less()
    {
        TestCluster cluster = new(seed: 32, HostVendor.Intel, HostVendor.Amd);

        cluster.World.Run(async () =>
        {
            await FailoverTests.RunUntilAsync(cluster, vmTime: 15_000_000);
            InMemoryStoreCopy copy = cluster.Store.Copy();
            await cluster.WaitForAsync("node-1", status => status.DurableVmTime > 20_000_000);
            await cluster.OrderAsync("node-1", new VmCommand.Pause());

            cluster["node-1"].Store.IsOut = true;
            await cluster.World.Time.DelayAsync(TimeSpan.FromSeconds(1.5));
            cluster.Store.GoBackTo(copy);
            cluster["node-1"].Store.IsOut = false;

            await cluster.WaitForAsync("node-2", status => status.Lifecycle == VmLifecycle.Quarantined);
        });
    }

    [Fact]
    public void A_hand_over_that_the_store_forgot_halts_the_vm_on_its_target()
    {
        TestCluster cluster = new(seed: 33, HostVendor.Intel, HostVendor.Amd);

        cluster.World.Run(async () =>
        {
            await FailoverTests.RunUntilAsync(cluster, vmTime: 15_000_000);
            InMemoryStoreCopy copy = cluster.Store.Copy();
            Assert.IsType<ControlReply.Migrated>(await cluster.MigrateAsync("node-1", "node-2"));

            cluster.Store.GoBackTo(copy);

            VmStatus halted = await cluster.WaitForAsync(
                "node-1", status => status.Lifecycle == VmLifecycle.Quarantined);
            Assert.Contains("under epoch 2, found sequence", halted.Problem, StringComparison.Ordinal);
        });
    }

    [Fact]
    public void A_release_of_a_vm_in_service_changes_nothing()
    {
        TestCluster cluster = new(seed: 34, HostVendor.Intel);

        cluster.World.Run(async () =>
        {
            await FailoverTests.RunUntilAsync(cluster, vmTime: 15_000_000);

            await ReleaseAsync(cluster, "node-1");

            Assert.Equal(Epoch.First, (await cluster.ShowAsync("node-1")).Epoch);
        });
    }

    private static async Task ReleaseAsync(TestCluster cluster, string node = "node-2") =>
        Assert.IsType<ControlReply.Done>(
            await cluster[node].AskAsync(new ControlRequest.ReleaseVm(TestCluster.Vm)));
}
