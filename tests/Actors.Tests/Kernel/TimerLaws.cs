// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Kernel;
using KvmActors.TestKit;
using Xunit;

namespace KvmActors.Actors.Tests.Kernel;

public sealed class TimerLaws : KernelTest
{
    private static readonly TimeSpan s_second = TimeSpan.FromSeconds(1);

    [Fact]
    public void A_single_timer_fires_once_at_its_time() =>
        UnderManySchedules(async stage =>
        {
            TestProbe probe = stage.Probe();
            stage.System.Spawn("actor", Ticking(probe, timers => timers.StartSingle("key", "tick", s_second)));

            await probe.ExpectMsgAsync("tick");

            Assert.InRange(stage.World.Time.Elapsed.TotalSeconds, 1, 1.01);
            await probe.ExpectNoMsgAsync(TimeSpan.FromMinutes(1));
        });

    [Fact]
    public void A_periodic_timer_goes_on_until_it_is_cancelled() =>
        UnderManySchedules(async stage =>
        {
            TestProbe probe = stage.Probe();
            ActorRef actor = stage.System.Spawn(
                "actor", Ticking(probe, timers => timers.StartPeriodic("key", "tick", s_second)));

            for (int tick = 0; tick < 5; tick++)
            {
                await probe.ExpectMsgAsync("tick", TimeSpan.FromSeconds(1.01));
            }

            actor.Tell("cancel");
            await probe.ExpectNoMsgAsync(TimeSpan.FromMinutes(1));
        });

    [Fact]
    public void A_tick_that_already_waits_does_not_arrive_after_cancel_or_replacement() =>
        UnderManySchedules(async stage =>
        {
            TestProbe probe = stage.Probe();
            ActorRef actor = stage.Spawn("actor", async (context, message) =>
            {
                if (message is "start")
                {
                    context.Timers.StartSingle("cancelled", "never", s_second);
                    context.Timers.StartSingle("replaced", "never", s_second);
                    await context.System.Clock.DelayAsync(s_second + s_second);
                    Assert.True(context.Timers.Cancel("cancelled"));
                    context.Timers.StartSingle("replaced", "once", s_second);
                }
                else
                {
                    probe.Ref.Tell(message);
                }
            });

            actor.Tell("start");

            await probe.ExpectMsgAsync("once", TimeSpan.FromSeconds(5));
            await probe.ExpectNoMsgAsync(TimeSpan.FromSeconds(5));
        });

    [Fact]
    public void Timers_end_with_a_restart_and_with_a_stop() =>
        UnderManySchedules(async stage =>
        {
            TestProbe probe = stage.Probe();
            bool isFirst = true;
            ActorRef actor = stage.System.Spawn("actor", Ticking(probe, timers =>
            {
                timers.StartPeriodic("key", isFirst ? "old" : "new", s_second);
                isFirst = false;
            }));
            await probe.ExpectMsgAsync("old");

            actor.Tell("fail");
            await probe.ExpectMsgAsync("new");
            await stage.System.StopAsync(actor, s_second);

            await probe.ExpectNoMsgAsync(TimeSpan.FromMinutes(1));
        });

    [Fact]
    public void An_actor_that_is_late_gets_one_tick_and_not_a_heap() =>
        UnderManySchedules(async stage =>
        {
            TestProbe probe = stage.Probe();
            int ticks = 0;
            ActorRef actor = stage.Spawn("actor", async (context, message) =>
            {
                if (message is "start")
                {
                    context.Timers.StartPeriodic("key", "tick", TimeSpan.FromMilliseconds(1));
                    await context.System.Clock.DelayAsync(s_second);
                    context.Timers.StartPeriodic("late", "stop", TimeSpan.FromMilliseconds(1));
                }
                else if (message is "tick")
                {
                    ticks++;
                }
                else
                {
                    context.Timers.Cancel("key");
                    context.Timers.Cancel("late");
                    probe.Ref.Tell(ticks);
                }
            });

            actor.Tell("start");

            Assert.InRange(await probe.ExpectMsgAsync<int>(), 1, 3);
        });

    [Fact]
    public void Piped_work_does_not_hold_up_the_mailbox_and_comes_back_with_the_sender() =>
        UnderManySchedules(async stage =>
        {
            ActorRef actor = stage.Spawn("actor", (context, message) =>
            {
                switch (message)
                {
                    case "work":
                        context.PipeToSelf(
                            WorkAsync(context.System.Clock),
                            value => new Done(value),
                            failure => new Done(failure.Message));
                        break;
                    case Done done:
                        context.Reply(done.Result);
                        break;
                    default:
                        context.Reply(message);
                        break;
                }
            });

            Task<string> worked = actor.Ask<string>("work", TimeSpan.FromSeconds(10));
            Assert.Equal("ping", await actor.Ask<string>("ping", s_second));

            Assert.False(worked.IsCompleted);
            Assert.Equal("worked", await worked);
        });

    [Fact]
    public void Failed_piped_work_comes_back_as_a_message() =>
        UnderManySchedules(async stage =>
        {
            ActorRef actor = stage.Spawn("actor", (context, message) =>
            {
                if (message is Done done)
                {
                    context.Reply(done.Result);
                    return;
                }

                context.PipeToSelf(
                    Task.FromException(new InvalidOperationException("broken")),
                    () => new Done("fine"),
                    failure => new Done(failure.Message));
            });

            Assert.Equal("broken", await actor.Ask<string>("work", s_second));
        });

    [Fact]
    public void What_was_begun_before_a_restart_does_not_arrive_after_it() =>
        UnderManySchedules(async stage =>
        {
            TestProbe probe = stage.Probe();
            ActorRef actor = stage.Spawn("actor", (context, message) =>
            {
                switch (message)
                {
                    case "work":
                        context.PipeToSelf(
                            WorkAsync(context.System.Clock), value => new Done(value), _ => new Done("no"));
                        throw new InvalidOperationException("as asked");
                    default:
                        probe.Ref.Tell(message);
                        break;
                }
            });

            actor.Tell("work");

            await probe.ExpectNoMsgAsync(TimeSpan.FromMinutes(1));
            Assert.Equal(1, stage.System.DeadLetters.Count(DeadLetterReason.BeforeRestart));
        });

    [Fact]
    public void More_piped_work_than_allowed_is_refused_to_whoever_starts_it() =>
        UnderManySchedules(async stage =>
        {
            Task never = new TaskCompletionSource().Task;
            ActorRef actor = stage.Spawn("actor", (context, _) =>
            {
                for (int piece = 0; piece < ActorSystemOptions.PipesMax; piece++)
                {
                    context.PipeToSelf(never, () => "done", cause => cause);
                }

                Assert.Throws<InvalidOperationException>(
                    () => context.PipeToSelf(never, () => "done", cause => cause));
                context.Reply("refused");
            });

            Assert.Equal("refused", await actor.Ask<string>("work", s_second));
        });

    private static async Task<string> WorkAsync(TimeProvider clock)
    {
        await clock.DelayAsync(s_second + s_second);
        return "worked";
    }

    private static Props Ticking(TestProbe probe, Action<IActorTimers> start) => Props.Of(() => new ScriptedActor(
        ScriptedActor.Synchronously((context, message) =>
        {
            switch (message)
            {
                case "cancel":
                    Assert.True(context.Timers.Cancel("key"));
                    break;
                case "fail":
                    throw new InvalidOperationException("as asked");
                default:
                    probe.Ref.Tell(message);
                    break;
            }
        }))
    {
        OnStart = context => start(context.Timers),
    });

    private sealed record Done(string Result);
}
