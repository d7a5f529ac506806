// SPDX-License-Identifier: Apache-2.0

using System.Text;
using KvmActors.Actors.Cluster;
using KvmActors.Persistence;
using KvmActors.Persistence.Events;
using KvmActors.Persistence.Journal;
using KvmActors.TestKit.Simulation;
using KvmActors.TestKit.Simulation.Traps;
using Xunit;

namespace KvmActors.Simulation.Tests.CrashPoints;

/// <summary>An owner dies, or stands still, around an append: crash points A1 to A6.</summary>
public sealed class AppendCrashTests
{
    [Fact]
    public void A1_before_an_append_is_sent_nothing_is_acknowledged_and_a_retry_runs_anew() => Scene.Play(async scene =>
    {
        CommandId input = scene.NextCommand();
        Trap trap = scene.AtCommit(scene.One, EventKind.InputArrived, CallStage.Leaving).Then(scene.One.Kill);

        ControlReply first = await scene.TypeAsync(scene.One, input);

        Assert.True(trap.HasSprung);
        Assert.IsType<ControlReply.Refused>(first);
        Assert.Equal((0, 1UL), (scene.Cluster.Ledger.TimesApplied(input), scene.Row.Epoch.Value));
        SimulatedNode next = await scene.RunsUnderAsync(epoch: 2);
        Assert.IsType<ControlReply.Done>(await scene.TypeUntilDoneAsync(next, input));
        await scene.EndsWellAsync(next, epoch: 2);
    });

    [Theory]
    [InlineData(CallStage.Arriving)]
    [InlineData(CallStage.Done)]
    public void A2_an_append_without_an_answer_is_decided_by_the_row_and_applied_once(CallStage breaksAt) =>
        Scene.Play(async scene =>
        {
            CommandId input = scene.NextCommand();
            Trap trap = scene.AtCommit(scene.One, EventKind.InputArrived, breaksAt).Break();
            Trap look = scene.AtStore(scene.One, "ReadLocked", CallStage.Done);

            ControlReply reply = await scene.TypeAsync(scene.One, input);

            Assert.True(trap.HasSprung);
            Assert.True(look.HasSprung, "Nobody looked at the row.");
            Assert.IsType<ControlReply.Done>(reply);
            Assert.Equal(1, scene.Cluster.Ledger.TimesApplied(input));
            await scene.EndsWellAsync(scene.One, epoch: 1);
        });

    [Fact]
    public void A3_after_a_commit_whose_answer_died_with_its_owner_a_retry_gets_the_stored_reply() =>
        Scene.Play(async scene =>
        {
            CommandId input = scene.NextCommand();
            Trap trap = scene.AtCommit(scene.One, EventKind.InputArrived, CallStage.Done).Then(scene.One.Kill);

            ControlReply first = await scene.TypeAsync(scene.One, input);

            Assert.True(trap.HasSprung);
            Assert.IsType<ControlReply.Refused>(first);
            DedupEntry? stored =
                await scene.Cluster.Store.FindReplyAsync(Scene.Vm.Stream, input, CancellationToken.None);
            Assert.NotNull(stored);
            SimulatedNode next = await scene.RunsUnderAsync(epoch: 2);
            ulong head = scene.Row.HeadSeq;
            ControlReply.Done again = Assert.IsType<ControlReply.Done>(await scene.TypeUntilDoneAsync(next, input));
            Assert.Contains(again.Text, Encoding.UTF8.GetString(stored.Reply.Span), StringComparison.Ordinal);
            Assert.Equal(1, scene.Cluster.Ledger.TimesApplied(input));
            Assert.DoesNotContain(
                scene.Cluster.Ledger.Records(Scene.Vm.Stream),
                record => record.Seq > head && record.Kind == EventKind.InputArrived);
            await scene.EndsWellAsync(next, epoch: 2);
        });

    [Fact]
    public void A4_output_that_was_durable_and_never_left_comes_from_the_next_owner() => Scene.Play(async scene =>
    {
        Assert.IsType<ControlReply.Done>(await scene.TypeAsync(scene.One, scene.NextCommand(), "Q"));
        Trap trap = scene.AtLink(scene.Two, scene.One, "ReadConsole", CallStage.Done).Then(scene.One.Kill);

        Assert.IsType<ControlReply.Refused>(await Scene.ReadAsync(scene.Two, offset: 0));

        Assert.True(trap.HasSprung);
        Assert.Empty(scene.Cluster.Output(Scene.Vm).Bytes);
        Assert.True(scene.Row.OutputReleased <= scene.Cluster.Ledger.DurableConsoleBytes(Scene.Vm));
        SimulatedNode next = await scene.RunsUnderAsync(epoch: 2);
        await scene.EndsWellAsync(next, epoch: 2);
        Assert.Contains(
            "<Q>", Encoding.ASCII.GetString([.. scene.Cluster.Output(Scene.Vm).Bytes]), StringComparison.Ordinal);
    });

    [Fact]
    public void A5_output_that_left_before_its_mark_was_saved_comes_again_with_the_same_numbers_and_bytes() =>
        Scene.Play(async scene =>
        {
            Trap trap = scene.AtLink(scene.Two, scene.One, "ReadConsole", CallStage.Returning).Then(scene.One.Kill);

            ControlReply.ConsoleRead sent =
                Assert.IsType<ControlReply.ConsoleRead>(await Scene.ReadAsync(scene.Two, offset: 0));

            Assert.True(trap.HasSprung);
            Assert.True(sent.Bytes.Length > 0);
            Assert.True(scene.Row.OutputReleased < (ulong)sent.Bytes.Length, "The mark was saved.");
            SimulatedNode next = await scene.RunsUnderAsync(epoch: 2);
            ControlReply.ConsoleRead again =
                Assert.IsType<ControlReply.ConsoleRead>(await Scene.ReadAsync(next, offset: 0));
            Assert.Equal(0ul, again.Offset);
            Assert.Equal(sent.Bytes.ToArray(), again.Bytes[..sent.Bytes.Length].ToArray());
            await scene.EndsWellAsync(next, epoch: 2);
        });

    [Fact]
    public void A6_an_owner_stopped_between_gate_and_commit_while_another_takes_over_writes_and_says_nothing() =>
        Scene.Play(async scene =>
        {
            CommandId input = scene.NextCommand();
            Trap trap = scene.AtCommit(scene.One, EventKind.InputArrived, CallStage.Leaving).Then(scene.One.Freeze);
            Task<ControlReply> first = scene.TypeAsync(scene.One, input);
            await trap.Struck;
            SimulatedNode next = await scene.RunsUnderAsync(epoch: 2);
            Trap answer = scene.AtCommit(scene.One, EventKind.InputArrived, CallStage.Returning);

            scene.One.Thaw();

            Assert.IsType<ControlReply.Refused>(await first);
            await scene.UntilAsync(() => !scene.One.IsAlive || answer.HasSprung, "the commit of the old owner to end");
            await scene.UntilAsync(() => !scene.One.Runs(Scene.Vm), "the old owner to let go");
            Assert.Equal(0, scene.Cluster.Ledger.TimesApplied(input));
            Assert.IsType<ControlReply.Done>(await scene.TypeUntilDoneAsync(next, input));
            await scene.EndsWellAsync(next, epoch: 2);
        });
}
