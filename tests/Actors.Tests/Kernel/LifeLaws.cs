// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Kernel;
using KvmActors.TestKit;
using Xunit;

namespace KvmActors.Actors.Tests.Kernel;

public sealed class LifeLaws : KernelTest
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(2);

    [Fact]
    public void A_watcher_hears_once_of_a_death_and_also_of_one_long_past() =>
        UnderManySchedules(async stage =>
        {
            TestProbe early = stage.Probe("early");
            TestProbe late = stage.Probe("late");
            ActorRef actor = stage.Spawn("actor", (_, _) => { });
            early.Watch(actor);
            early.Watch(actor);
            await stage.System.StopAsync(actor, s_limit);

            await early.ExpectTerminatedAsync(actor);
            late.Watch(actor);
            await late.ExpectTerminatedAsync(actor);

            await early.ExpectNoMsgAsync(s_limit);
        });

    [Fact]
    public void After_unwatch_no_death_is_heard_of_even_if_the_news_already_waits() =>
        UnderManySchedules(async stage =>
        {
            TestProbe probe = stage.Probe();
            ActorRef watched = stage.Spawn("watched", (_, _) => { });
            ActorRef watcher = stage.Spawn("watcher", async (context, message) =>
            {
                if (message is "watch")
                {
                    context.Watch(watched);
                    context.System.Find("/user/watched")?.Tell(PoisonPill.Instance);
                    await context.System.Clock.DelayAsync(TimeSpan.FromMilliseconds(5));
                    context.Unwatch(watched);
                }

                probe.Ref.Tell(message);
            });

            watcher.Tell("watch");
            await probe.ExpectMsgAsync("watch");

            await probe.ExpectNoMsgAsync(s_limit);
        });

    [Fact]
    public void Children_stop_before_their_parent_and_the_hooks_run() =>
        UnderManySchedules(async stage =>
        {
            List<string> stopped = [];
            var child = Props.Of(() => new ScriptedActor((_, _) => ValueTask.CompletedTask)
            {
                OnStop = context => stopped.Add(context.Self.Path),
            });
            stage.System.Spawn("parent", Props.Of(() => new ScriptedActor((_, _) => ValueTask.CompletedTask)
            {
                OnStart = context =>
                {
                    context.Spawn("one", child);
                    context.Spawn("two", child);
                },
                OnStop = context => stopped.Add(context.Self.Path),
            }));
            await stage.Wait(TimeSpan.FromMilliseconds(1));

            ShutdownResult result = await stage.System.ShutdownAsync(s_limit);

            Assert.True(result.IsClean);
            Assert.Equal(["/user/parent/one", "/user/parent/two"], stopped.Take(2).Order());
            Assert.Equal("/user/parent", stopped[2]);
            Assert.Equal(0, stage.System.ActorCount);
            Assert.Throws<InvalidOperationException>(() => stage.System.Spawn("late", child));
        });

    [Fact]
    public void A_shutdown_ends_in_bounded_time_and_names_who_did_not_stop() =>
        UnderManySchedules(async stage =>
        {
            ActorRef stuck = stage.Spawn("stuck", async (_, _) => await new TaskCompletionSource().Task);
            stuck.Tell("go");
            await stage.Wait(TimeSpan.FromMilliseconds(1));

            ShutdownResult result = await stage.System.ShutdownAsync(s_limit);

            Assert.Equal("/user/stuck", Assert.Single(result.StillRunning));
        });

    [Fact]
    public void A_wait_that_is_given_the_stopping_token_does_not_hold_up_the_stop() =>
        UnderManySchedules(async stage =>
        {
            ActorRef waiting = stage.Spawn(
                "waiting",
                async (context, _) => await context.System.Clock.DelayAsync(TimeSpan.FromDays(1), context.Stopping));
            waiting.Tell("go");
            await stage.Wait(TimeSpan.FromMilliseconds(1));

            Assert.True(await stage.System.StopAsync(waiting, s_limit));
        });

    [Fact]
    public void Stashed_messages_come_back_in_order_before_those_that_wait() =>
        UnderManySchedules(async stage =>
        {
            TestProbe probe = stage.Probe();
            bool isOpen = false;
            ActorRef actor = stage.Spawn("actor", (context, message) =>
            {
                if (message is "open")
                {
                    isOpen = true;
                    context.UnstashAll();
                }
                else if (isOpen)
                {
                    context.Reply(message);
                }
                else
                {
                    Assert.True(context.Stash());
                }
            });

            foreach (object message in new object[] { 1, 2, "open", 3 })
            {
                probe.Send(actor, message);
            }

            await probe.ExpectMsgAsync(1);
            await probe.ExpectMsgAsync(2);
            await probe.ExpectMsgAsync(3);
        });

    [Fact]
    public void A_full_stash_says_so_and_counts_a_dead_letter() =>
        UnderManySchedules(async stage =>
        {
            ActorRef actor = stage.System.Spawn(
                "actor",
                ScriptedActor.Props((context, _) => context.Reply(context.Stash())) with { StashCapacity = 1 });

            Assert.True(await actor.Ask<bool>("one", s_limit));
            Assert.False(await actor.Ask<bool>("two", s_limit));

            Assert.Equal(1, stage.System.DeadLetters.Count(DeadLetterReason.StashFull));
        });

    [Fact]
    public void A_name_is_free_again_once_its_actor_has_stopped_and_not_before() =>
        UnderManySchedules(async stage =>
        {
            ActorRef first = stage.Spawn("name", (_, _) => { });

            Assert.Throws<InvalidOperationException>(() => stage.Spawn("name", (_, _) => { }));
            await stage.System.StopAsync(first, s_limit);
            ActorRef second = stage.Spawn("name", (context, _) => context.Reply("second"));

            Assert.NotSame(first, second);
            Assert.Equal("second", await second.Ask<string>("?", s_limit));
        });

    [Theory]
    [InlineData("")]
    [InlineData("a/b")]
    [InlineData("$1")]
    public void A_name_must_fit_into_a_path(string name) =>
        UnderManySchedules(stage =>
        {
            Assert.Throws<ArgumentException>(() => stage.Spawn(name, (_, _) => { }));
            return Task.CompletedTask;
        });

    [Fact]
    public void A_reply_without_a_sender_is_a_dead_letter() =>
        UnderManySchedules(async stage =>
        {
            ActorRef actor = stage.Spawn("actor", (context, _) => context.Reply("to whom?"));

            actor.Tell("go");
            await stage.Wait(TimeSpan.FromMilliseconds(1));

            Assert.Equal(1, stage.System.DeadLetters.Count(DeadLetterReason.NoSender));
        });
}
