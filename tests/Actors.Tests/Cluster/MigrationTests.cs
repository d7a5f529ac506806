// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Cluster;
using KvmActors.Actors.Kernel;
using KvmActors.Actors.Migration;
using KvmActors.Actors.Replay;
using KvmActors.Actors.Vm;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Persistence;
using KvmActors.Persistence.Events;
using KvmActors.TestKit.Guests;
using Xunit;

namespace KvmActors.Actors.Tests.Cluster;

public sealed class MigrationTests
{
    [Fact]
    public void A_guest_that_is_moved_to_the_other_vendor_and_whose_node_is_killed_ends_as_its_twin()
    {
        TestCluster cluster = new(seed: 11, HostVendor.Intel, HostVendor.Amd, HostVendor.Intel);

        cluster.World.Run(async () =>
        {
            await cluster.StartAllAsync();
            await cluster.CreateAsync("node-1");
            await cluster.OrderAsync("node-1", new VmCommand.Start());
            Task<string> console = cluster.ReadConsoleAsync("node-3");
            await cluster.WaitForAsync("node-3", status => status.VmTime > 15_000_000);

            MigrationReport report = Moved(await cluster.MigrateAsync("node-3", "node-2"));

            Assert.Equal(("node-1", "node-2"), (report.From.Name, report.To.Name));
            Assert.Equal((new Epoch(1), new Epoch(2)), (report.EpochFrom, report.EpochTo));
            Assert.NotNull(report.Downtime);
            await cluster.WaitForAsync("node-3", status => status.VmTime > 35_000_000);
            cluster["node-2"].Process.Kill();

            Assert.Equal(OneNodeTests.Sha256(await console), (await cluster.TwinAsync()).ConsoleSha256);
            VmStatus end = await cluster.ShowAsync("node-3");
            Assert.Equal(new Epoch(3), end.Epoch);
            Assert.Equal(VmLifecycle.Ended, end.Lifecycle);
            Assert.Equal("node-2", end.Recovery!.From!.Value.Name);
            Assert.Equal(["node-2", "node-1"], PatchingNodes(end));
            await AssertEqualToTwinAsync(cluster);
        });
    }

    [Fact]
    public void A_retried_migration_is_answered_by_the_new_owner_with_the_kept_reply()
    {
        TestCluster cluster = new(seed: 12, HostVendor.Intel, HostVendor.Amd);

        cluster.World.Run(async () =>
        {
            await cluster.StartAllAsync();
            await cluster.CreateAsync("node-1");
            await cluster.OrderAsync("node-1", new VmCommand.Start());
            CommandId id = cluster.NextCommand();

            Task<ControlReply> first = cluster.MigrateAsync("node-1", "node-2", id);
            Task<ControlReply> again = cluster.MigrateAsync("node-2", "node-2", id);
            MigrationReport report = Moved(await first);
            MigrationReport later = Moved(await cluster.MigrateAsync("node-1", "node-2", id));

            Assert.Equal(report.Migration, later.Migration);
            Assert.Equal(report.Migration, Moved(await again).Migration);
            Assert.Equal(new Epoch(2), (await cluster.ShowAsync("node-1")).Epoch);
        });
    }

    [Fact]
    public void A_move_whose_target_dies_is_given_up_and_the_guest_goes_on_at_its_source()
    {
        TestCluster cluster = new(seed: 13, HostVendor.Intel, HostVendor.Amd);

        cluster.World.Run(async () =>
        {
            await cluster.StartAllAsync();
            await cluster.CreateAsync("node-1");
            await cluster.OrderAsync("node-1", new VmCommand.Start());
            await cluster.WaitForAsync("node-1", status => status.VmTime > 5_000_000);
            Task<ControlReply> move = cluster.MigrateAsync("node-1", "node-2");
            while (!cluster.Events.Any(e => e.Event is ClusterEvent.MigrationPhaseEnded { Phase: "Begin" }))
            {
                await cluster.World.Time.DelayAsync(TimeSpan.FromMicroseconds(20));
            }

            cluster["node-2"].Process.Kill();

            Refusal why = Assert.IsType<ControlReply.Refused>(await move).Why;
            Assert.Contains("The move was given up and demo stays on node-1#1", why.WhatToDo, StringComparison.Ordinal);
            VmStatus end = await cluster.WaitForAsync("node-1", status => status.Lifecycle == VmLifecycle.Ended);
            Assert.Equal(Epoch.First, end.Epoch);
            await AssertEqualToTwinAsync(cluster);
        });
    }

    [Fact]
    public void A_hand_over_whose_answer_is_lost_leaves_exactly_one_owner()
    {
        TestCluster cluster = new(seed: 14, HostVendor.Intel, HostVendor.Amd);

        cluster.World.Run(async () =>
        {
            await cluster.StartAllAsync();
            await cluster.CreateAsync("node-1");
            await cluster.OrderAsync("node-1", new VmCommand.Start());
            await cluster.WaitForAsync("node-1", status => status.VmTime > 5_000_000);
            Task<ControlReply> move = cluster.MigrateAsync("node-1", "node-2");
            while (!cluster.Events.Any(e => e.Event is ClusterEvent.MigrationPhaseEnded { Phase: "StopAndCopy" }))
            {
                await cluster.World.Time.DelayAsync(TimeSpan.FromMicroseconds(20));
            }

            // The request is on its way; whatever it does, its answer does not come back.
            cluster.Network.Cut("node-2:1", "node-1:1");
            ControlReply reply = await move;
            cluster.Network.HealAll();

            VmStatus end = await cluster.WaitForAsync("node-1", status => status.Lifecycle == VmLifecycle.Ended);
            Assert.Equal(reply is ControlReply.Migrated ? new Epoch(2) : Epoch.First, end.Epoch);
            await AssertEqualToTwinAsync(cluster);
        });
    }

    [Fact]
    public void A_move_whose_source_actor_fails_is_given_up_when_the_vm_is_rebuilt()
    {
        TestCluster cluster = new(seed: 16, HostVendor.Intel, HostVendor.Amd);

        cluster.World.Run(async () =>
        {
            await cluster.StartAllAsync();
            await cluster.CreateAsync("node-1");
            await cluster.OrderAsync("node-1", new VmCommand.Start());
            await cluster.WaitForAsync("node-1", status => status.VmTime > 5_000_000);
            Task<ControlReply> move = cluster.MigrateAsync("node-1", "node-2");
            while (!cluster.Events.Any(e => e.Event is ClusterEvent.MigrationPhaseEnded { Phase: "Begin" }))
            {
                await cluster.World.Time.DelayAsync(TimeSpan.FromMicroseconds(20));
            }

            cluster.Guests.FailsNextSlice = true;

            Assert.IsType<ControlReply.Refused>(await move);
            VmStatus end = await cluster.WaitForAsync("node-1", status => status.Lifecycle == VmLifecycle.Ended);
            Assert.Null(end.MovingTo);
            await AssertEqualToTwinAsync(cluster);
        });
    }

    [Fact]
    public void A_move_to_the_node_it_runs_on_is_refused()
    {
        TestCluster cluster = new(seed: 15, HostVendor.Intel);

        cluster.World.Run(async () =>
        {
            await cluster.StartAllAsync();
            await cluster.CreateAsync("node-1");

            ControlReply reply = await cluster.MigrateAsync("node-1", "node-1");

            Assert.Contains(
                "nothing has to be done",
                Assert.IsType<ControlReply.Refused>(reply).Why.Sentence,
                StringComparison.Ordinal);
        });
    }

    [Fact]
    public void A_leaf_that_answers_in_turn_goes_on_where_it_was_after_a_move_and_after_a_death()
    {
        const CpuidEntryFlags InTurn = CpuidEntryFlags.StatefulFunction;
        var cpuid = CpuidTable.Of(
        [
            new CpuidEntry(0, 0, CpuidEntryFlags.None, 2, 0, 0, 0),
            new CpuidEntry(2, 0, InTurn | CpuidEntryFlags.StateReadNext, 11, 0, 0, 0),
            new CpuidEntry(2, 0, InTurn, 22, 0, 0, 0),
            new CpuidEntry(2, 0, InTurn, 33, 0, 0, 0),
        ]);
        TestCluster cluster = new(seed: 41, HostVendor.Intel, HostVendor.Amd, HostVendor.Intel);

        cluster.World.Run(async () =>
        {
            await cluster.StartAllAsync();
            await cluster.CreateAsync("node-1", dialect: CpuidDialect.Kvm2007, cpuid: cpuid);
            await cluster.OrderAsync("node-1", new VmCommand.Start());
            await cluster.WaitForAsync("node-3", status => status.VmTime > 10_000_000);
            Moved(await cluster.MigrateAsync("node-3", "node-2"));
            await cluster.WaitForAsync("node-3", status => status.VmTime > 35_000_000);
            cluster["node-2"].Process.Kill();
            VmStatus end = await cluster.WaitForAsync("node-3", status => status.Lifecycle == VmLifecycle.Ended);

            // The twin read every answer in one piece; a step lost or done twice would give another state.
            await AssertEqualToTwinAsync(cluster);
            VmHistory history = await JournalReplayer.ReadHistoryAsync(
                cluster.Store, TestCluster.Vm, CancellationToken.None);
            Assert.NotEmpty(history.Events.Select(next => next.Event).OfType<JournalEvent.CpuidStepped>());
            CpuidTable last = Assert.Single(end.Machine!.Vcpus).Cpuid;
            Assert.Equal(Assert.Single(history.FoldVcpus()).Cpuid, last);
            ulong reads = Assert.Single(end.Machine.Vcpus[0].Observed).Reads;
            Assert.Equal(TestCluster.Program.EndAt / TestCluster.Program.ReadEvery, reads);
            Assert.Equal(1 + (int)(reads % 3), Assert.Single(CpuidKvm2007.Cursors(last)));
        });
    }

    internal static async Task AssertEqualToTwinAsync(TestCluster cluster, ModelProgram? program = null)
    {
        ReplayReport replay = await cluster.ReplayAsync();
        Assert.Null(replay.Divergence);
        TwinResult twin = await cluster.TwinAsync(program);
        Assert.Equal((twin.State, twin.Memory), (replay.State, replay.Memory));
        Assert.Equal(twin.ConsoleSha256, replay.ConsoleSha256);
    }

    private static MigrationReport Moved(ControlReply reply) => Assert.IsType<ControlReply.Migrated>(reply).Report;

    private static string[] PatchingNodes(VmStatus status) =>
        [.. status.Patches.Select(patch => patch.Node!.Value.Name == "node-3" ? "node-1" : patch.Node!.Value.Name)];
}
