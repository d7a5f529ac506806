// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Cluster;
using KvmActors.Actors.Kernel;
using KvmActors.Actors.Migration;
using KvmActors.Actors.Tests.Cluster;
using KvmActors.Actors.Vm;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Persistence;
using KvmActors.Persistence.Events;
using KvmActors.TestKit.Guests;
using Xunit;

namespace KvmActors.Actors.Tests.Migration;

/// <summary>A move that takes its time: how far it is, giving it up, and a guest that writes meanwhile.</summary>
public sealed class MoveUnderWayTests
{
    // 64 pages at 20 MB/s: 13 ms, in which the guest writes to as many of them as this says.
    private static readonly MigrationLimits s_slow = new(TimeSpan.FromMicroseconds(300), 30, 20_000_000);

    private static readonly ModelProgram s_busy = TestCluster.Program with { WriteEvery = 400_000 };

    [Fact]
    public void A_guest_that_writes_is_copied_in_rounds_that_shrink_and_its_standstill_is_told_by_parts() => Live(
        seed: 61,
        s_busy,
        s_slow,
        async cluster =>
        {
            MigrationReport report = Moved(await MoveAsync(cluster));

            Assert.InRange(report.Rounds, 3, 29);
            Assert.InRange(report.PagesPreCopied, 30, 64 * 4);
            Assert.InRange(report.PagesStopped, 1, 12);
            DowntimeReport parts = report.Downtime!;
            Assert.Equal(
                parts.Total,
                parts.Pause + parts.Pages + parts.Durable + parts.State + parts.Check + parts.Commit + parts.Start
                + parts.Link);
            Assert.All(
                [parts.Pause, parts.Pages, parts.Durable, parts.State, parts.Check, parts.Commit, parts.Start],
                part => Assert.True(part >= TimeSpan.Zero, $"{parts}"));
            Assert.True(parts.Pages > TimeSpan.Zero && parts.Check > TimeSpan.Zero && parts.Link > TimeSpan.Zero);
        });

    [Fact]
    public void A_move_shows_how_far_it_is_through_any_node() => Live(
        seed: 62,
        s_busy,
        s_slow,
        async cluster =>
        {
            Task<ControlReply> moving = MoveAsync(cluster);
            VmStatus first = await cluster.WaitForAsync("node-2", status => status.Move is { PagesSent: > 0 });
            VmStatus later = await cluster.WaitForAsync("node-3", status => status.Move is { Round: > 1 });

            Assert.Equal(("node-2", MigrationPhase.PreCopy), (first.Move!.To.Name, first.Move.Phase));
            Assert.True(later.Move!.PagesSent >= first.Move.PagesSent);
            Assert.InRange(later.Move.BytesPerSecond, 1, 21_000_000);
            _ = Moved(await moving);
            Assert.Null((await cluster.ShowAsync("node-1")).Move);
        });

    [Fact]
    public void A_move_is_given_up_through_any_node_and_a_retry_of_that_is_answered() => Live(
        seed: 63,
        s_busy,
        s_slow with { BytesPerSecondMax = 1_000_000 },
        async cluster =>
        {
            CommandId id = cluster.NextCommand();
            Task<ControlReply> moving = MoveAsync(cluster);
            await cluster.WaitForAsync("node-3", status => status.Move is { PagesSent: > 0 });

            ControlRequest cancel = new ControlRequest.CancelMove(id, TestCluster.Vm);
            string cancelled = Done(await cluster["node-3"].AskAsync(cancel));
            Refusal why = Assert.IsType<ControlReply.Refused>(await moving).Why;

            Assert.Equal("demo is not moved; it goes on on node-1#1.", cancelled);
            Assert.Contains("it cancelled", why.Found, StringComparison.Ordinal);
            Assert.Contains("stays on node-1#1", why.WhatToDo, StringComparison.Ordinal);
            Assert.Equal(cancelled, Done(await cluster["node-2"].AskAsync(cancel)));
            VmStatus now = await cluster.ShowAsync("node-2");
            Assert.Equal(("node-1", Epoch.First, null), (now.Owner!.Value.Name, now.Epoch, now.MovingTo));
        });

    [Fact]
    public void What_is_over_or_never_was_cannot_be_given_up() => Live(
        seed: 64,
        s_busy,
        s_slow,
        async cluster =>
        {
            Refusal none = await RefusedCancelAsync(cluster);
            _ = Moved(await MoveAsync(cluster));
            Refusal over = await RefusedCancelAsync(cluster);

            Assert.Contains("none; it is on node-1#1", none.Found, StringComparison.Ordinal);
            Assert.Contains("none; it is on node-2#1, under epoch 2", over.Found, StringComparison.Ordinal);
        });

    [Theory]
    [InlineData(65)]
    [InlineData(66)]
    [InlineData(67)]
    [InlineData(68)]
    [InlineData(69)]
    [InlineData(70)]
    public void A_move_cancelled_at_any_moment_has_one_outcome_that_both_clients_are_told(ulong seed) => Live(
        seed,
        s_busy,
        s_slow,
        async cluster =>
        {
            Task<ControlReply> moving = MoveAsync(cluster);
            await cluster.World.Time.DelayAsync(
                cluster.World.Random.Between(TimeSpan.Zero, TimeSpan.FromMilliseconds(30)));
            ControlReply cancelled = await cluster["node-3"].AskAsync(
                new ControlRequest.CancelMove(cluster.NextCommand(), TestCluster.Vm));

            bool hasMoved = await moving is ControlReply.Migrated;
            Assert.Equal(hasMoved, cancelled is ControlReply.Refused);
            Assert.Equal(hasMoved ? "node-2" : "node-1", (await cluster.ShowAsync("node-3")).Owner!.Value.Name);
        });

    [Fact]
    public void A_client_that_is_lost_cancels_nothing() => Live(
        seed: 71,
        s_busy,
        s_slow,
        async cluster =>
        {
            using CancellationTokenSource gone = new();
            Task<ControlReply> moving = cluster["node-1"].Process.Executor.Factory.StartNew(() =>
                cluster["node-1"].Node.ControlAsync(
                    new ControlRequest.MigrateVm(cluster.NextCommand(), TestCluster.Vm, "node-2"),
                    TimeSpan.FromMinutes(1),
                    gone.Token)).Unwrap();
            await cluster.WaitForAsync("node-3", status => status.Move is { PagesSent: > 0 });

            await cluster["node-1"].Process.Executor.Factory.StartNew(gone.Cancel);

            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => moving);
            await cluster.WaitForAsync("node-3", status => status.Owner?.Name == "node-2");
        });

    private static Task<ControlReply> MoveAsync(TestCluster cluster) => cluster["node-3"].AskAsync(
        new ControlRequest.MigrateVm(cluster.NextCommand(), TestCluster.Vm, "node-2"));

    private static async Task<Refusal> RefusedCancelAsync(TestCluster cluster) =>
        Assert.IsType<ControlReply.Refused>(await cluster["node-3"].AskAsync(
            new ControlRequest.CancelMove(cluster.NextCommand(), TestCluster.Vm))).Why;

    private static string Done(ControlReply reply) => Assert.IsType<ControlReply.Done>(reply).Text;

    private static MigrationReport Moved(ControlReply reply) => reply is ControlReply.Refused refused
        ? throw new InvalidOperationException(refused.Why.Sentence)
        : Assert.IsType<ControlReply.Migrated>(reply).Report;

    private static void Live(
        ulong seed, ModelProgram program, MigrationLimits limits, Func<TestCluster, Task> happenings)
    {
        TestCluster cluster = new(seed) { Migration = limits };
        foreach (string name in (string[])["node-1", "node-2", "node-3"])
        {
            _ = cluster.Add(name, name == "node-2" ? HostVendor.Amd : HostVendor.Intel);
        }

        cluster.World.Run(async () =>
        {
            await cluster.StartAllAsync();
            await cluster.CreateAsync("node-1", program: program);
            await cluster.OrderAsync("node-1", new VmCommand.Start());
            await cluster.WaitForAsync("node-3", status => status.VmTime > 10_000_000);
            await happenings(cluster);
            await cluster.WaitForAsync("node-3", status => status.Lifecycle == VmLifecycle.Ended);
            await MigrationTests.AssertEqualToTwinAsync(cluster, program);
        });
    }
}
