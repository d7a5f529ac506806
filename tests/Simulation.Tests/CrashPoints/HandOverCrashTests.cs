// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Cluster;
using KvmActors.Persistence;
using KvmActors.Persistence.Events;
using KvmActors.Persistence.Ownership;
using KvmActors.TestKit.Simulation;
using KvmActors.TestKit.Simulation.Traps;
using Xunit;

namespace KvmActors.Simulation.Tests.CrashPoints;

/// <summary>Abort and commit of a hand-over meet, or somebody is lost behind it: crash points H6 to H12.</summary>
public sealed class HandOverCrashTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void H6_of_an_abort_and_a_commit_under_way_at_once_exactly_one_wins(bool commitIsFirst) =>
        Scene.Play(async scene =>
        {
            Trap commit = scene.AtCommit(scene.Two, EventKind.HandedOff, CallStage.Arriving).Hold();
            Trap abort = scene.AtCommit(scene.One, EventKind.MigrationAborted, CallStage.Arriving).Hold();
            Task<ControlReply> move = scene.MoveAsync(scene.Three, scene.Two);
            await commit.Struck;
            await abort.Struck;

            (Trap first, Trap second) = commitIsFirst ? (commit, abort) : (abort, commit);
            first.Release();
            await scene.PassAsync(TimeSpan.FromMilliseconds(50));
            second.Release();

            ControlReply reply = await move;
            Assert.Equal(commitIsFirst, reply is ControlReply.Migrated);
            int won = Count(scene, EventKind.HandedOff) + Count(scene, EventKind.MigrationAborted);
            Assert.Equal(1, won);
            await scene.EndsWellAsync(commitIsFirst ? scene.Two : scene.One, commitIsFirst ? 2UL : 1);
        });

    [Fact]
    public void H7_a_source_that_dies_behind_the_commit_is_not_missed() => Scene.Play(async scene =>
    {
        CommandId input = scene.NextCommand();
        CommandId order = scene.NextCommand();
        Trap trap = scene.AtCommit(scene.Two, EventKind.HandedOff, CallStage.Arriving).Hold();
        Task<ControlReply> move = scene.MoveAsync(scene.One, scene.Two, order);
        await trap.Struck;
        Task<ControlReply> typed = scene.TypeAsync(scene.One, input);
        Trap done = scene.AtCommit(scene.Two, EventKind.HandedOff, CallStage.Done).Then(scene.One.Kill);

        trap.Release();

        await done.Struck;
        Assert.IsType<ControlReply.Refused>(await typed);
        Assert.IsType<ControlReply.Refused>(await move);
        Assert.IsType<ControlReply.Migrated>(await scene.MoveUntilAnsweredAsync(scene.Three, scene.Two, order));
        Assert.IsType<ControlReply.Done>(await scene.TypeUntilDoneAsync(scene.Three, input));
        await scene.EndsWellAsync(scene.Two, epoch: 2);
    });

    [Fact]
    public void H8_a_target_that_dies_behind_the_commit_is_taken_over_under_the_epoch_after_next() =>
        Scene.Play(async scene =>
        {
            CommandId order = scene.NextCommand();
            Trap trap = scene.AtLink(scene.One, scene.Two, "HandOver", CallStage.Returning).Then(scene.Two.Kill);

            ControlReply reply = await scene.MoveAsync(scene.Three, scene.Two, order);

            Assert.True(trap.HasSprung);
            Assert.IsType<ControlReply.Migrated>(reply);
            SimulatedNode next = await scene.RunsUnderAsync(epoch: 3);
            Assert.IsType<ControlReply.Migrated>(await scene.MoveUntilAnsweredAsync(next, scene.Two, order));
            await scene.EndsWellAsync(next, epoch: 3);
        });

    [Fact]
    public void H9_a_source_that_loses_its_target_behind_the_commit_reads_the_row_and_sends_clients_on() =>
        Scene.Play(async scene =>
        {
            Trap trap = scene.AtCommit(scene.Two, EventKind.HandedOff, CallStage.Done)
                .Then(() => scene.Cluster.Network.CutBothWays(scene.One.Endpoint, scene.Two.Endpoint));

            ControlReply reply = await scene.MoveAsync(scene.Three, scene.Two);

            Assert.True(trap.HasSprung);
            Assert.IsType<ControlReply.Migrated>(reply);
            Assert.Same(scene.Two, await scene.RunsUnderAsync(epoch: 2));
            Assert.IsType<ControlReply.Done>(await scene.TypeAsync(scene.Three, scene.NextCommand()));
            Assert.IsNotType<ControlReply.Done>(await scene.TypeAsync(scene.One, scene.NextCommand()));
            scene.Cluster.Network.HealAll();
            Assert.IsType<ControlReply.Done>(await scene.TypeUntilDoneAsync(scene.One, scene.NextCommand()));
            await scene.EndsWellAsync(scene.Two, epoch: 2);
        });

    [Theory]
    [InlineData(CallStage.Arriving)]
    [InlineData(CallStage.Done)]
    public void H10_while_the_store_is_away_at_the_commit_the_guest_stands_still(CallStage goesAt) =>
        Scene.Play(async scene =>
        {
            Trap trap = scene.AtCommit(scene.Two, EventKind.HandedOff, goesAt)
                .Then(() => scene.Cluster.IsStoreOut = true)
                .Break();
            Task<ControlReply> move = scene.MoveAsync(scene.Three, scene.Two);
            await trap.Struck;
            TimeSpan struck = scene.World.Time.Elapsed;

            await scene.PassAsync(TimeSpan.FromSeconds(2));

            Assert.True(scene.Cluster.LastRun(Scene.Vm)!.Value.At < struck, "The guest ran, and nobody knew whose.");
            Assert.False(move.IsCompleted);
            scene.Cluster.IsStoreOut = false;
            bool isMoved = await move is ControlReply.Migrated;
            Assert.True(isMoved || goesAt == CallStage.Arriving, "The commit had landed.");
            await scene.EndsWellAsync(isMoved ? scene.Two : scene.One, isMoved ? 2UL : 1);
        });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void H11_a_late_commit_of_an_old_try_changes_nothing(bool isMovedElsewhere) => Scene.Play(async scene =>
    {
        Trap late = scene.AtCommit(scene.Two, EventKind.HandedOff, CallStage.Arriving).Hold();
        Assert.IsType<ControlReply.Refused>(await scene.MoveAsync(scene.One, scene.Two));
        if (isMovedElsewhere)
        {
            Assert.IsType<ControlReply.Migrated>(await scene.MoveAsync(scene.One, scene.Three));
        }

        (NodeId? Owner, Epoch Epoch, StreamRowState State) before = (scene.Row.Owner, scene.Row.Epoch, scene.Row.State);
        Trap answer = scene.AtCommit(scene.Two, EventKind.HandedOff, CallStage.Returning);

        late.Release();

        await answer.Struck;
        Assert.Equal(before, (scene.Row.Owner, scene.Row.Epoch, scene.Row.State));
        Assert.Equal(isMovedElsewhere ? 1 : 0, Count(scene, EventKind.HandedOff));
        await scene.EndsWellAsync(
            isMovedElsewhere ? scene.Three : scene.One, isMovedElsewhere ? 2UL : 1);
    });

    [Fact]
    public void H12_messages_of_an_old_epoch_are_refused_and_change_nothing() => Scene.Play(async scene =>
    {
        List<LinkMoment> sent = [];
        scene.Cluster.Traps.OnLink += Keep;
        Assert.IsType<ControlReply.Migrated>(await scene.MoveAsync(scene.One, scene.Two));
        Assert.IsType<ControlReply.Migrated>(await scene.MoveAsync(scene.Two, scene.Three));
        scene.Cluster.Traps.OnLink -= Keep;
        Assert.Equal(6, sent.Select(moment => (moment.To, moment.Summary.Kind)).Distinct().Count(
            message => message.Kind is "Offer" or "Final" or "HandOver"));
        await scene.RunsUnderAsync(epoch: 3);

        foreach (LinkMoment moment in sent)
        {
            _ = await scene.Cluster[moment.To.Split(':')[0]].DeliverAsync(moment.Request);
        }

        await scene.PassAsync(TimeSpan.FromSeconds(15));
        Assert.Equal(2, Count(scene, EventKind.HandedOff));
        await scene.EndsWellAsync(scene.Three, epoch: 3);

        void Keep(LinkMoment moment)
        {
            if (moment.Stage == CallStage.Leaving && moment.Summary.Migration is not null)
            {
                sent.Add(moment);
            }
        }
    });

    [Fact]
    public void H12_an_order_that_reaches_a_former_owner_changes_nothing_there() => Scene.Play(async scene =>
    {
        CommandId input = scene.NextCommand();
        Trap order = scene.AtLink(scene.Three, scene.One, "Order", CallStage.Arriving).Hold();
        Task<ControlReply> typed = scene.TypeAsync(scene.Three, input);
        await order.Struck;
        Assert.IsType<ControlReply.Migrated>(await scene.MoveAsync(scene.One, scene.Two));
        Trap answered = scene.AtLink(scene.Three, scene.One, "Order", CallStage.Returning);

        order.Release();

        await answered.Struck;
        Assert.Equal(0, scene.Cluster.Ledger.TimesApplied(input));
        Assert.IsType<ControlReply.Done>(await typed);
        Assert.Equal(1, scene.Cluster.Ledger.TimesApplied(input));
        await scene.EndsWellAsync(scene.Two, epoch: 2);
    });

    private static int Count(Scene scene, EventKind kind) =>
        scene.Cluster.Ledger.Records(Scene.Vm.Stream).Count(record => record.Kind == kind);
}
