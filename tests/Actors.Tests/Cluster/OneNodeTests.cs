// SPDX-License-Identifier: Apache-2.0

using System.Text;
using KvmActors.Actors.Cluster;
using KvmActors.Actors.Kernel;
using KvmActors.Actors.Replay;
using KvmActors.Actors.Vm;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Persistence.Events;
using Xunit;

namespace KvmActors.Actors.Tests.Cluster;

public sealed class OneNodeTests
{
    [Fact]
    public void A_guest_runs_to_its_end_and_its_journal_replays_to_the_same_state()
    {
        TestCluster cluster = new(seed: 1, HostVendor.Intel);

        cluster.World.Run(async () =>
        {
            await cluster.StartAllAsync();
            Assert.IsType<ControlReply.Done>(await cluster.CreateAsync("node-1"));
            Assert.IsType<ControlReply.Done>(await cluster.OrderAsync("node-1", new VmCommand.Start()));
            string console = await cluster.ReadConsoleAsync("node-1");

            VmStatus status = await cluster.ShowAsync("node-1");
            Assert.Equal(VmLifecycle.Ended, status.Lifecycle);
            Assert.Equal(TestCluster.Program.EndAt, status.VmTime);
            Assert.Equal(0x21, status.ExitCode);
            ReplayReport replay = await cluster.ReplayAsync();
            Assert.Null(replay.Divergence);
            Assert.True(replay.StatesCompared > 10, $"{replay.StatesCompared} states compared");
            Assert.True(replay.SumsCompared >= 3, $"{replay.SumsCompared} sums compared");
            TwinResult twin = await cluster.TwinAsync();
            Assert.Equal(twin.State, replay.State);
            Assert.Equal(twin.Memory, replay.Memory);
            Assert.Equal(twin.ConsoleSha256, Sha256(console));
        });
    }

    [Fact]
    public void A_retried_command_is_answered_and_not_repeated()
    {
        TestCluster cluster = new(seed: 2, HostVendor.Intel);

        cluster.World.Run(async () =>
        {
            await cluster.StartAllAsync();
            Persistence.CommandId create = cluster.NextCommand();
            ControlReply created = await cluster.CreateAsync("node-1", create);
            Assert.Equal(created, await cluster.CreateAsync("node-1", create));
            Assert.Equal(
                RefusalKind.Exists,
                Assert.IsType<ControlReply.Refused>(await cluster.CreateAsync("node-1")).Why.Kind);

            await cluster.OrderAsync("node-1", new VmCommand.Start());
            Persistence.CommandId pause = cluster.NextCommand();
            ControlReply paused = await cluster.OrderAsync("node-1", new VmCommand.Pause(), pause);
            Assert.IsType<ControlReply.Done>(paused);
            await cluster.OrderAsync("node-1", new VmCommand.Resume());
            Assert.Equal(paused, await cluster.OrderAsync("node-1", new VmCommand.Pause(), pause));
            Assert.Equal(VmLifecycle.Running, (await cluster.ShowAsync("node-1")).Lifecycle);
        });
    }

    [Fact]
    public void What_created_or_deleted_a_vm_is_not_repeated_once_it_is_deleted()
    {
        TestCluster cluster = new(seed: 2, HostVendor.Intel, HostVendor.Amd);

        cluster.World.Run(async () =>
        {
            await cluster.StartAllAsync();
            Persistence.CommandId create = cluster.NextCommand();
            ControlReply created = await cluster.CreateAsync("node-1", create);
            VmCommand.Delete order = new(Force: true);
            Persistence.CommandId delete = cluster.NextCommand();
            ControlReply deleted = await cluster.OrderAsync("node-1", order, delete);
            Assert.IsType<ControlReply.Done>(deleted);

            Assert.Equal(deleted, await cluster.OrderAsync("node-2", order, delete));
            Assert.Equal(created, await cluster.CreateAsync("node-2", create));
            Assert.Equal(
                RefusalKind.NotFound,
                Assert.IsType<ControlReply.Refused>(await cluster.OrderAsync("node-1", order)).Why.Kind);

            await cluster.CreateAsync("node-2");
            Assert.Equal(deleted, await cluster.OrderAsync("node-1", order, delete));
            Assert.Equal(VmLifecycle.Created, (await cluster.ShowAsync("node-1")).Lifecycle);
        });
    }

    [Fact]
    public void A_creation_of_a_node_that_was_cut_off_does_not_bring_a_deleted_vm_back()
    {
        for (ulong seed = 1; seed <= 40; seed++)
        {
            TestCluster cluster = new(seed, HostVendor.Intel, HostVendor.Amd);

            cluster.World.Run(async () =>
            {
                await cluster.StartAllAsync();
                Persistence.CommandId create = cluster.NextCommand();
                Task<ControlReply> cutOff = cluster.CreateAsync("node-1", create);
                await cluster.World.Time.DelayAsync(TimeSpan.FromMicroseconds(50 * seed));
                cluster["node-1"].Store.IsOut = true;
                Assert.IsType<ControlReply.Done>(await cluster.CreateAsync("node-2", create));
                ControlReply deleted = await cluster.OrderAsync("node-2", new VmCommand.Delete(Force: true));
                cluster["node-1"].Store.IsOut = false;

                await cutOff;
                if (deleted is ControlReply.Done)
                {
                    Assert.Null(await cluster.Store.FindAsync(TestCluster.Vm.Stream, CancellationToken.None));
                }
            });
        }
    }

    [Fact]
    public void A_client_reads_what_its_order_has_changed()
    {
        for (ulong seed = 1; seed <= 20; seed++)
        {
            TestCluster cluster = new(seed, HostVendor.Intel);

            cluster.World.Run(async () =>
            {
                await cluster.StartAllAsync();
                await cluster.CreateAsync("node-1");
                (VmCommand, VmLifecycle)[] orders =
                [
                    (new VmCommand.Start(), VmLifecycle.Running),
                    (new VmCommand.Pause(), VmLifecycle.Paused),
                    (new VmCommand.Resume(), VmLifecycle.Running),
                    (new VmCommand.Stop(), VmLifecycle.Stopped),
                ];
                foreach ((VmCommand order, VmLifecycle expected) in orders)
                {
                    Assert.IsType<ControlReply.Done>(await cluster.OrderAsync("node-1", order));
                    VmLifecycle seen = (await cluster.ShowAsync("node-1")).Lifecycle;
                    Assert.True(seen == expected, $"seed {seed}, {order}: {seen}");
                }
            });
        }
    }

    [Fact]
    public void Console_input_enters_at_a_journaled_vm_time()
    {
        TestCluster cluster = new(seed: 3, HostVendor.Amd);

        cluster.World.Run(async () =>
        {
            await cluster.StartAllAsync();
            await cluster.CreateAsync("node-1");
            await cluster.OrderAsync("node-1", new VmCommand.Start());
            await cluster.WaitForAsync("node-1", status => status.VmTime > 10_000_000);
            ControlReply taken = await cluster.OrderAsync("node-1", new VmCommand.Input([(byte)'x']));
            Assert.IsType<ControlReply.Done>(taken);
            string console = await cluster.ReadConsoleAsync("node-1");

            Assert.Contains("<x>", console, StringComparison.Ordinal);
            Assert.Null((await cluster.ReplayAsync()).Divergence);
            Assert.Equal((await cluster.TwinAsync()).ConsoleSha256, Sha256(console));
        });
    }

    [Fact]
    public void A_command_that_does_not_fit_is_refused_with_its_reason()
    {
        TestCluster cluster = new(seed: 4, HostVendor.Intel);

        cluster.World.Run(async () =>
        {
            await cluster.StartAllAsync();
            Assert.Equal(RefusalKind.NotFound, Refused(await cluster.OrderAsync("node-1", new VmCommand.Start())).Kind);
            await cluster.CreateAsync("node-1");
            Refusal refusal = Refused(await cluster.OrderAsync("node-1", new VmCommand.Resume()));
            Assert.Equal(
                "Expected demo to be Paused for resume; found Created. Start it with: vm start.", refusal.Sentence);
            Refusal nobody = Refused(await cluster.MigrateAsync("node-1", "node-9"));
            Assert.Equal("Expected an active node named node-9; found node-1. Choose one of these, or start it with: "
                + "node run.", nobody.Sentence);
        });
    }

    [Fact]
    public void The_same_seed_gives_the_same_run()
    {
        Assert.Equal(TraceOf(7), TraceOf(7));
        Assert.NotEqual(TraceOf(7), TraceOf(8));
    }

    internal static string Sha256(string console) => Convert.ToHexStringLower(
        System.Security.Cryptography.SHA256.HashData(Encoding.ASCII.GetBytes(console)));

    private static Refusal Refused(ControlReply reply) => Assert.IsType<ControlReply.Refused>(reply).Why;

    private static ulong TraceOf(ulong seed)
    {
        TestCluster cluster = new(seed, HostVendor.Intel, HostVendor.Amd);
        cluster.World.Run(async () =>
        {
            await cluster.StartAllAsync();
            await cluster.CreateAsync("node-1");
            await cluster.OrderAsync("node-2", new VmCommand.Start());
            await cluster.WaitForAsync("node-2", status => status.Lifecycle == VmLifecycle.Ended);
        });
        return cluster.World.TraceHash;
    }
}
