// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Cluster;
using KvmActors.Actors.Kernel;
using KvmActors.Actors.Vm;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Machine;
using KvmActors.Persistence;
using KvmActors.Persistence.Events;
using KvmActors.Persistence.Membership;
using Xunit;

namespace KvmActors.Actors.Tests.Cluster;

public sealed class DrainTests
{
    [Fact]
    public void A_node_that_drains_gives_its_guest_away_while_it_runs_and_takes_nothing()
    {
        TestCluster cluster = new(seed: 81, HostVendor.Intel, HostVendor.Amd, HostVendor.Intel);

        cluster.World.Run(async () =>
        {
            await StartAsync(cluster);

            DrainStatus status = await DrainAsync(cluster, "node-1");
            while (!status.IsDone)
            {
                await cluster.World.Time.DelayAsync(TimeSpan.FromMilliseconds(1));
                status = await DrainAsync(cluster, "node-1");
            }

            Assert.Equal(("node-1#1", 1, 0), (status.Node.Value, status.Moved, status.Left));
            await cluster["node-1"].Node.Drained;
            VmStatus moved = await cluster.ShowAsync("node-1");
            Assert.Equal((new Epoch(2), null), (moved.Epoch, moved.Recovery));
            Assert.Equal(NodeStatus.Draining, await StatusOfAsync(cluster, "node-1"));
            Refusal back = Assert.IsType<ControlReply.Refused>(
                await cluster.MigrateAsync("node-3", "node-1")).Why;
            Assert.Contains("an active node named node-1", back.Expected, StringComparison.Ordinal);
            await cluster["node-1"].StopAsync();
            await cluster.WaitForAsync("node-3", vm => vm.Lifecycle == VmLifecycle.Ended);
            await MigrationTests.AssertEqualToTwinAsync(cluster);
        });
    }

    [Fact]
    public void Nothing_is_created_on_a_node_that_drains()
    {
        TestCluster cluster = new(seed: 82, HostVendor.Intel, HostVendor.Intel);

        cluster.World.Run(async () =>
        {
            await cluster.StartAllAsync();
            Assert.True((await DrainAsync(cluster, "node-1")).Left == 0);

            Refusal why = Assert.IsType<ControlReply.Refused>(await cluster.CreateAsync("node-1")).Why;

            Assert.Contains("it draining", why.Found, StringComparison.Ordinal);
            Assert.IsType<ControlReply.Done>(await cluster.CreateAsync("node-2"));
        });
    }

    [Fact]
    public void The_only_node_does_not_drain_and_goes_on_taking_vms()
    {
        TestCluster cluster = new(seed: 85, HostVendor.Intel);

        cluster.World.Run(async () =>
        {
            await cluster.StartAllAsync();
            await CreateAsync(cluster, "first");

            Refusal why = Assert.IsType<ControlReply.Refused>(
                await cluster["node-1"].AskAsync(new ControlRequest.DrainNode("node-1"))).Why;
            DrainStatus asked = await cluster["node-1"].DrainAsync();

            Assert.Equal("another active node to take the VMs of node-1#1", why.Expected);
            Assert.Equal((0, 1, false), (asked.Moved, asked.Left, asked.IsDone));
            Assert.Equal(NodeStatus.Active, await StatusOfAsync(cluster, "node-1"));
            await CreateAsync(cluster, "second");
        });
    }

    [Fact]
    public void Vms_that_leave_together_spread_by_free_memory_and_a_second_drain_only_looks_on()
    {
        TestCluster cluster = new(seed: 86, HostVendor.Intel);
        const ulong Guest = 64 * 4096;
        _ = cluster.Add("node-2", HostVendor.Intel, memoryBytesMax: 20 * Guest);
        _ = cluster.Add("node-3", HostVendor.Intel, memoryBytesMax: 22 * Guest);

        cluster.World.Run(async () =>
        {
            await cluster.StartAllAsync();
            for (int vm = 1; vm <= 6; vm++)
            {
                await CreateAsync(cluster, $"vm-{vm}");
            }

            Task<DrainStatus> asked = cluster["node-1"].DrainAsync();
            DrainStatus second = await DrainAsync(cluster, "node-1");
            DrainStatus end = await asked;

            Assert.Equal(6, second.Moved + second.Left);
            Assert.Equal((6, 0, true), (end.Moved, end.Left, end.IsDone));
            Assert.Equal((2, 4), (cluster["node-2"].Node.Board.All.Length, cluster["node-3"].Node.Board.All.Length));
        });
    }

    [Fact]
    public void A_node_that_is_asked_to_stop_gives_up_once_it_has_found_no_room()
    {
        TestCluster cluster = new(seed: 87, HostVendor.Intel);
        _ = cluster.Add("node-2", HostVendor.Intel, memoryBytesMax: 4096);

        cluster.World.Run(async () =>
        {
            await cluster.StartAllAsync();
            await cluster.CreateAsync("node-1");

            DrainStatus end = await cluster["node-1"].DrainAsync();

            Assert.Equal((0, 1, false), (end.Moved, end.Left, end.IsDone));
            Assert.Equal(TestCluster.Vm, Assert.Single(end.Problems).Vm);
        });
    }

    [Fact]
    public void What_no_node_has_room_for_stays_and_is_told_until_there_is_room()
    {
        TestCluster cluster = new(seed: 83, HostVendor.Intel);
        _ = cluster.Add("node-2", HostVendor.Intel, memoryBytesMax: 4096);

        cluster.World.Run(async () =>
        {
            await cluster.StartAllAsync();
            await cluster.CreateAsync("node-1");
            DrainStatus status = await DrainAsync(cluster, "node-1");
            while (status.Problems.IsEmpty)
            {
                await cluster.World.Time.DelayAsync(TimeSpan.FromMilliseconds(1));
                status = await DrainAsync(cluster, "node-1");
            }

            Assert.Equal((0, 1, false), (status.Moved, status.Left, status.IsDone));
            DrainProblem problem = Assert.Single(status.Problems);
            Assert.Equal(TestCluster.Vm, problem.Vm);
            Assert.Contains("memory to be free on node-2#1", problem.Reason, StringComparison.Ordinal);
            _ = cluster.Add("node-3", HostVendor.Intel);
            await cluster["node-3"].StartAsync();
            await cluster.WaitForAsync("node-2", vm => vm.Owner?.Name == "node-3");
        });
    }

    [Fact]
    public void A_node_without_room_leaves_a_dead_nodes_guest_to_another()
    {
        TestCluster cluster = new(seed: 84, HostVendor.Intel);
        _ = cluster.Add("node-2", HostVendor.Intel, memoryBytesMax: 4096);
        _ = cluster.Add("node-3", HostVendor.Intel);

        cluster.World.Run(async () =>
        {
            await StartAsync(cluster);
            cluster["node-1"].Process.Kill();

            VmStatus taken = await cluster.WaitForAsync("node-3", vm => vm.Owner is { Name: not "node-1" });

            Assert.Equal("node-3", taken.Owner!.Value.Name);
            await cluster.WaitForAsync("node-2", vm => vm.Lifecycle == VmLifecycle.Ended);
            await MigrationTests.AssertEqualToTwinAsync(cluster);
        });
    }

    private static async Task CreateAsync(TestCluster cluster, string vm) => Assert.IsType<ControlReply.Done>(
        await cluster["node-1"].AskAsync(new ControlRequest.CreateVm(
            cluster.NextCommand(),
            new VmBlueprint(
                VmId.Parse(vm),
                new MachineSpec(1, 64 * 4096, HypercallPatchPolicy.Auto, MachineSpec.TurnTicksDefault),
                "model",
                TestCluster.Program.ToImage(),
                string.Empty,
                [],
                OnNode: null))));

    private static async Task StartAsync(TestCluster cluster)
    {
        await cluster.StartAllAsync();
        await cluster.CreateAsync("node-1");
        await cluster.OrderAsync("node-1", new VmCommand.Start());
        await cluster.WaitForAsync("node-2", status => status.VmTime > 5_000_000);
    }

    private static async Task<DrainStatus> DrainAsync(TestCluster cluster, string node) =>
        Assert.IsType<ControlReply.Draining>(
            await cluster["node-2"].AskAsync(new ControlRequest.DrainNode(node))).Status;

    private static async Task<NodeStatus> StatusOfAsync(TestCluster cluster, string node) =>
        (await cluster.Store.ListNodesAsync(CancellationToken.None)).Single(row => row.Id.Name == node).Status;
}
