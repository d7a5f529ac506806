// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Cluster;
using KvmActors.Persistence;
using KvmActors.Persistence.Events;
using KvmActors.Persistence.Ownership;
using KvmActors.TestKit.Simulation;
using KvmActors.TestKit.Simulation.Traps;
using Xunit;

namespace KvmActors.Simulation.Tests.CrashPoints;

/// <summary>Source or target of a move dies before its hand-over: crash points H1 to H5.</summary>
public sealed class MoveCrashTests
{
    [Fact]
    public void H1_a_source_that_dies_in_pre_copy_is_taken_over_as_any_other_owner() => Scene.Play(async scene =>
    {
        Trap trap = scene.AtLink(scene.One, scene.Two, "Pages", CallStage.Done).Then(scene.One.Kill);

        ControlReply reply = await scene.MoveAsync(scene.One, scene.Two);

        Assert.True(trap.HasSprung);
        Assert.IsType<ControlReply.Refused>(reply);
        Assert.Equal(StreamRowState.Moving, scene.Row.State);
        SimulatedNode next = await scene.RunsUnderAsync(epoch: 2);
        await scene.EndsWellAsync(next, epoch: 2);
    });

    [Fact]
    public void H2_a_target_that_dies_before_its_commit_leaves_the_source_to_abort_and_resume() =>
        Scene.Play(async scene =>
        {
            Trap trap = scene.AtLink(scene.One, scene.Two, "HandOver", CallStage.Arriving).Then(scene.Two.Kill);
            Trap abort = scene.AtCommit(scene.One, EventKind.MigrationAborted, CallStage.Done).Hold();
            Task<ControlReply> move = scene.MoveAsync(scene.Three, scene.Two);
            await trap.Struck;
            TimeSpan struck = scene.World.Time.Elapsed;
            await abort.Struck;

            Assert.True(scene.Cluster.LastRun(Scene.Vm)!.Value.At < struck, "The guest ran before the abort.");

            abort.Release();
            Assert.IsType<ControlReply.Refused>(await move);
            await scene.EndsWellAsync(scene.One, epoch: 1);
        });

    [Fact]
    public void H3_a_source_that_dies_behind_its_last_commit_is_replayed_and_what_waited_is_sent_again() =>
        Scene.Play(async scene =>
        {
            CommandId input = scene.NextCommand();
            Trap trap = scene.AtLink(scene.One, scene.Two, "Final", CallStage.Leaving).Hold();
            Task<ControlReply> move = scene.MoveAsync(scene.One, scene.Two);
            await trap.Struck;
            Task<ControlReply> typed = scene.TypeAsync(scene.One, input);
            await scene.PassAsync(TimeSpan.FromMilliseconds(100));

            scene.One.Kill();
            trap.Release();

            Assert.IsType<ControlReply.Refused>(await typed);
            Assert.IsType<ControlReply.Refused>(await move);
            Assert.Equal(0, scene.Cluster.Ledger.TimesApplied(input));
            Assert.Equal(EventKind.Progress, scene.Cluster.Ledger.Records(Scene.Vm.Stream)[^1].Kind);
            SimulatedNode next = await scene.RunsUnderAsync(epoch: 2);
            Assert.IsType<ControlReply.Done>(await scene.TypeUntilDoneAsync(next, input));
            await scene.EndsWellAsync(next, epoch: 2);
        });

    [Fact]
    public void H4_a_source_that_never_hears_of_a_ready_target_aborts_and_resumes() => Scene.Play(async scene =>
    {
        Trap trap = scene.AtLink(scene.One, scene.Two, "Final", CallStage.Done).Lose();
        Trap abort = scene.AtCommit(scene.One, EventKind.MigrationAborted, CallStage.Done);

        ControlReply reply = await scene.MoveAsync(scene.Three, scene.Two);

        Assert.True(trap.HasSprung && abort.HasSprung);
        Assert.IsType<ControlReply.Refused>(reply);
        await scene.EndsWellAsync(scene.One, epoch: 1);
    });

    [Fact]
    public void H5_a_target_that_dies_behind_its_commit_owned_the_vm_and_the_source_never_resumes() =>
        Scene.Play(async scene =>
        {
            Trap trap = scene.AtCommit(scene.Two, EventKind.HandedOff, CallStage.Done).Then(scene.Two.Kill);
            Task<ControlReply> move = scene.MoveAsync(scene.Three, scene.Two);
            await trap.Struck;
            TimeSpan struck = scene.World.Time.Elapsed;

            Assert.Equal((2UL, "node-2"), (scene.Row.Epoch.Value, scene.Row.Owner?.Name));
            await scene.UntilAsync(() => scene.Row.Epoch.Value == 3, "a takeover");
            Assert.True(scene.Cluster.LastRun(Scene.Vm)!.Value.At < struck, "The guest ran before the takeover.");
            Assert.IsType<ControlReply.Migrated>(await move);
            SimulatedNode next = await scene.RunsUnderAsync(epoch: 3);
            await scene.EndsWellAsync(next, epoch: 3);
        });

    [Fact]
    public void H5_a_target_that_dies_as_it_commits_and_fails_leaves_the_source_to_abort_and_resume() =>
        Scene.Play(async scene =>
        {
            Trap trap = scene.AtCommit(scene.Two, EventKind.HandedOff, CallStage.Arriving)
                .Then(scene.Two.Kill)
                .Lose();

            ControlReply reply = await scene.MoveAsync(scene.Three, scene.Two);

            Assert.True(trap.HasSprung);
            Assert.IsType<ControlReply.Refused>(reply);
            await scene.EndsWellAsync(scene.One, epoch: 1);
        });
}
