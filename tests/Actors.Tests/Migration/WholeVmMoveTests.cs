// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using System.Text;
using KvmActors.Actors.Cluster;
using KvmActors.Actors.Kernel;
using KvmActors.Actors.Migration;
using KvmActors.Actors.Tests.Cluster;
using KvmActors.Actors.Tests.Replay;
using KvmActors.Actors.Vm;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Persistence;
using KvmActors.TestKit;
using Xunit;

namespace KvmActors.Actors.Tests.Migration;

/// <summary>A real guest of two vCPUs with timers and IPIs, moved whole between unlike vendors while it is typed
/// at.</summary>
public sealed class WholeVmMoveTests
{
    private static readonly HostVendor[] s_vendors = [HostVendor.Intel, HostVendor.Amd, HostVendor.Intel];

    public static TheoryData<string, string> Deaths()
    {
        TheoryData<string, string> deaths = [];
        foreach (MigrationPhase phase in Enum.GetValues<MigrationPhase>())
        {
            deaths.Add("source", phase.ToString());
            deaths.Add("target", phase.ToString());
        }

        return deaths;
    }

    [Theory]
    [InlineData(1, false)]
    [InlineData(2, true)]
    [InlineData(3, true)]
    [InlineData(4, true)]
    public void A_vm_moved_to_and_fro_while_typed_at_ends_as_its_twin(ulong seed, bool secondRests) => Live(
        seed,
        secondRests,
        async (cluster, random) =>
        {
            for (int move = 0; move < 4; move++)
            {
                await cluster.World.Time.DelayAsync(
                    random.Between(TimeSpan.FromMilliseconds(1), TimeSpan.FromMilliseconds(9)));
                await MoveAsync(cluster, random);
            }
        });

    [Theory]
    [MemberData(nameof(Deaths))]
    public void A_vm_whose_node_dies_in_a_phase_of_its_move_ends_as_its_twin(string which, string phase) => Live(
        seed: 40 + (ulong)Enum.Parse<MigrationPhase>(phase),
        secondRests: true,
        async (cluster, random) =>
        {
            await cluster.World.Time.DelayAsync(
                random.Between(TimeSpan.FromMilliseconds(2), TimeSpan.FromMilliseconds(9)));
            Task<ControlReply?> move = cluster["node-3"].TryAskAsync(
                new ControlRequest.MigrateVm(cluster.NextCommand(), TestCluster.Vm, "node-2"));
            while (!cluster.Events.Any(e => e.Event is ClusterEvent.MigrationPhaseEnded ended && ended.Phase == phase))
            {
                await cluster.World.Time.DelayAsync(TimeSpan.FromMicroseconds(20));
            }

            cluster[which == "source" ? "node-1" : "node-2"].Process.Kill();
            _ = await move;
        });

    [Fact]
    public void A_retry_is_answered_by_the_new_owner_from_the_stream_of_the_vm() => Live(
        seed: 50,
        secondRests: true,
        async (cluster, _) =>
        {
            CommandId id = cluster.NextCommand();
            ControlRequest move = new ControlRequest.MigrateVm(id, TestCluster.Vm, "node-2");

            MigrationReport first = Moved(await cluster["node-1"].AskAsync(move));
            MigrationReport again = Moved(await cluster["node-3"].AskAsync(move));

            Assert.Equal((2, TestCluster.Vm.Stream), (first.Vcpus, first.Stream));
            Assert.Equal(first with { Downtime = null }, again with { Downtime = null });
            Assert.NotNull(await cluster.Store.FindReplyAsync(TestCluster.Vm.Stream, id, CancellationToken.None));
            Assert.Equal(new Epoch(2), (await cluster.ShowAsync("node-1")).Epoch);
        });

    [Fact]
    public void One_of_several_vcpus_does_not_move_alone_and_is_told_what_does() => Live(
        seed: 51,
        secondRests: true,
        async (cluster, _) => Assert.Contains(
            "vm migrate demo",
            Assert.IsType<ControlReply.Refused>(await cluster.MigrateAsync("node-2", "node-2")).Why.WhatToDo,
            StringComparison.Ordinal));

    [Fact]
    public void A_pre_flight_alone_names_all_that_is_missing_and_journals_nothing()
    {
        TestCluster cluster = EchoCluster.Of(52, secondRests: true, HostVendor.Intel, HostVendor.Amd);
        _ = cluster.Add("node-3", HostVendor.Amd, CpuidTable.Empty, memoryBytesMax: 4096);
        cluster.World.Run(async () =>
        {
            await EchoCluster.StartAsync(cluster);
            _ = await cluster.WaitForAsync("node-1", status => status.VmTime > 5_000_000);
            _ = await cluster.OrderAsync("node-1", new VmCommand.Pause());
            string before = await JournalAsync(cluster);

            Assert.Empty(await MissingAsync(cluster, "node-2"));
            ImmutableArray<Refusal> missing = await MissingAsync(cluster, "node-3");
            Refusal here = Assert.Single(await MissingAsync(cluster, "node-1"));

            Assert.Equal(before, await JournalAsync(cluster));
            Assert.Equal(2, missing.Length);
            Assert.DoesNotContain(" more", missing[0].Found, StringComparison.Ordinal);
            Assert.Contains("bytes of guest memory to be free", missing[1].Expected, StringComparison.Ordinal);
            Assert.Equal(RefusalKind.State, here.Kind);
        });
    }

    private static async Task<ImmutableArray<Refusal>> MissingAsync(TestCluster cluster, string to) =>
        Assert.IsType<ControlReply.MoveChecked>(
            await cluster["node-2"].AskAsync(new ControlRequest.CheckMove(TestCluster.Vm, to))).Missing;

    private static async Task<string> JournalAsync(TestCluster cluster) => string.Join(
        ", ",
        (await cluster.Store.ReadLockedAsync(TestCluster.Vm, CancellationToken.None))
            .Select(row => $"{row.Stream} {row.HeadSeq} {row.State}"));

    private static MigrationReport Moved(ControlReply reply) => reply is ControlReply.Refused refused
        ? throw new InvalidOperationException(refused.Why.Sentence)
        : Assert.IsType<ControlReply.Migrated>(reply).Report;

    private static async Task MoveAsync(TestCluster cluster, SeededRandom random)
    {
        string owner = (await cluster.ShowAsync("node-3")).Owner!.Value.Name;
        string to = owner == "node-2" ? $"node-{1 + (2 * random.Next(2))}" : "node-2";
        ControlReply reply = await cluster[$"node-{random.Next(3) + 1}"].AskAsync(
            new ControlRequest.MigrateVm(cluster.NextCommand(), TestCluster.Vm, to));
        Assert.Equal(to, Moved(reply).To.Name);
    }

    /// <summary>A whole life on three nodes, typed at and read throughout; the test says what is done to
    /// it.</summary>
    private static void Live(ulong seed, bool secondRests, Func<TestCluster, SeededRandom, Task> happenings)
    {
        TestCluster cluster = EchoCluster.Of(seed, secondRests, s_vendors);
        cluster.World.Run(async () =>
        {
            await EchoCluster.StartAsync(cluster);
            Task<string> console = cluster.ReadConsoleAsync("node-3");
            Task typing = TypeAsync(cluster, cluster.World.Random.Fork());
            await happenings(cluster, cluster.World.Random.Fork());
            await typing;
            await EndAsync(cluster);

            string read = await console;
            Assert.Equal((await cluster.TwinAsync()).ConsoleSha256, OneNodeTests.Sha256(read));
            Assert.Equal("abcdefghijkl", new string([.. read[..read.IndexOf(" t=", StringComparison.Ordinal)]
                .Where(char.IsAsciiLetter)]));
            await MigrationTests.AssertEqualToTwinAsync(cluster);
        });
    }

    /// <summary>Each letter once, whatever becomes of the node that is asked: a retry has the same id.</summary>
    private static async Task TypeAsync(TestCluster cluster, SeededRandom random)
    {
        foreach (char letter in "abcdefghijkl")
        {
            await SendAsync(cluster, $"{letter}");
            await cluster.World.Time.DelayAsync(
                random.Between(TimeSpan.FromMicroseconds(100), TimeSpan.FromMilliseconds(4)));
        }
    }

    private static Task EndAsync(TestCluster cluster) => SendAsync(cluster, "q");

    private static async Task SendAsync(TestCluster cluster, string text)
    {
        ControlRequest order = new ControlRequest.Order(
            cluster.NextCommand(), TestCluster.Vm, new VmCommand.Input([.. Encoding.ASCII.GetBytes(text)]));
        while (await cluster["node-3"].TryAskAsync(order) is not ControlReply.Done)
        {
            await cluster.World.Time.DelayAsync(TimeSpan.FromMilliseconds(5));
        }
    }
}
