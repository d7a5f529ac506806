// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Kernel;
using KvmActors.TestKit;
using Xunit;

namespace KvmActors.Actors.Tests.Kernel;

public sealed class SupervisionLaws : KernelTest
{
    private static readonly SupervisionStrategy s_patient = SupervisionStrategy.Default with
    {
        RestartsMax = 3,
        Window = TimeSpan.FromMinutes(1),
        BackoffMin = TimeSpan.FromSeconds(1),
        BackoffMax = TimeSpan.FromSeconds(3),
    };

    [Fact]
    public void A_throwing_actor_harms_nobody_else() =>
        UnderManySchedules(async stage =>
        {
            ActorRef bad = stage.System.Spawn("bad", Failing(stage.Probe("births"), SupervisionStrategy.AlwaysStop));
            ActorRef good = stage.Spawn("good", (context, message) => context.Reply(message));
            TestProbe probe = stage.Probe();
            probe.Watch(bad);

            bad.Tell("fail");

            await probe.ExpectTerminatedAsync(bad);
            Assert.Equal("still here", await good.Ask<string>("still here", TimeSpan.FromSeconds(1)));
        });

    [Fact]
    public void A_restart_waits_longer_each_time_and_is_given_up_at_its_bound() =>
        UnderManySchedules(async stage =>
        {
            TestProbe births = stage.Probe("births");
            TestProbe watcher = stage.Probe("watcher");
            ActorRef actor = stage.System.Spawn("actor", Failing(births, s_patient));
            watcher.Watch(actor);
            await births.ExpectMsgAsync("born");

            for (int backoffSeconds = 1; backoffSeconds <= 3; backoffSeconds++)
            {
                TimeSpan failed = stage.World.Time.Elapsed;
                actor.Tell("fail");
                await births.ExpectMsgAsync("born", TimeSpan.FromSeconds(10));
                TimeSpan waited = stage.World.Time.Elapsed - failed;
                Assert.InRange(waited.TotalSeconds, backoffSeconds, backoffSeconds + 0.01);
            }

            actor.Tell("fail");
            await watcher.ExpectTerminatedAsync(actor);
        });

    [Fact]
    public void Restarts_outside_of_the_window_are_forgotten() =>
        UnderManySchedules(async stage =>
        {
            TestProbe births = stage.Probe("births");
            ActorRef actor = stage.System.Spawn("actor", Failing(births, s_patient));
            for (int failure = 0; failure < 10; failure++)
            {
                await births.ExpectMsgAsync("born", TimeSpan.FromSeconds(2));
                await stage.Wait(TimeSpan.FromMinutes(2));
                actor.Tell("fail");
            }

            await births.ExpectMsgAsync("born", TimeSpan.FromSeconds(2));
        });

    [Fact]
    public void A_restart_keeps_address_and_mailbox_and_makes_a_new_instance() =>
        UnderManySchedules(async stage =>
        {
            int instances = 0;
            ActorRef actor = stage.System.Spawn("actor", Props.Of(() =>
            {
                int instance = ++instances;
                return new ScriptedActor(ScriptedActor.Synchronously((context, message) =>
                {
                    if (message is "fail")
                    {
                        throw new InvalidOperationException("as asked");
                    }

                    context.Reply(instance);
                }));
            }));

            actor.Tell("fail");
            int answeredBy = await actor.Ask<int>("who", TimeSpan.FromSeconds(5));

            Assert.Equal(2, answeredBy);
            Assert.Same(actor, stage.System.Find("/user/actor"));
        });

    [Fact]
    public void A_resumed_actor_keeps_its_state() =>
        UnderManySchedules(async stage =>
        {
            int handled = 0;
            SupervisionStrategy resume = SupervisionStrategy.Default with { Decide = _ => SupervisionDirective.Resume };
            ActorRef actor = stage.System.Spawn("actor", ScriptedActor.Props((context, message) =>
            {
                handled++;
                if (message is "fail")
                {
                    throw new InvalidOperationException("as asked");
                }

                context.Reply(handled);
            }) with
            { Supervision = resume });

            actor.Tell("fail");

            Assert.Equal(2, await actor.Ask<int>("how many", TimeSpan.FromSeconds(1)));
        });

    [Fact]
    public void An_escalated_failure_fails_the_parent_and_restarts_its_children_with_it() =>
        UnderManySchedules(async stage =>
        {
            TestProbe births = stage.Probe("births");
            var props = Props.Of(() => new ScriptedActor(
                ScriptedActor.Synchronously((context, message) => context.Child("child")!.Tell(message)))
            {
                OnStart = context => context.Spawn("child", Failing(births, SupervisionStrategy.AlwaysEscalate)),
            });
            ActorRef parent = stage.System.Spawn("parent", props with { Supervision = s_patient });
            await births.ExpectMsgAsync("born");

            parent.Tell("fail");

            await births.ExpectMsgAsync("born", TimeSpan.FromSeconds(3));
            Assert.NotNull(stage.System.Find("/user/parent/child"));
        });

    [Fact]
    public void A_failure_to_start_is_restarted_with_backoff() =>
        UnderManySchedules(async stage =>
        {
            int tries = 0;
            var props = Props.Of(() => ++tries < 3
                ? throw new InvalidOperationException("not yet")
                : new ScriptedActor(ScriptedActor.Synchronously((context, _) => context.Reply("ready"))));
            ActorRef actor = stage.System.Spawn("actor", props with { Supervision = s_patient });

            Assert.Equal("ready", await actor.Ask<string>("?", TimeSpan.FromMinutes(1)));
            Assert.InRange(stage.World.Time.Elapsed.TotalSeconds, 3, 3.01);
        });

    [Fact]
    public void A_strategy_that_throws_fails_the_parent_and_hangs_nobody() =>
        UnderManySchedules(async stage =>
        {
            TestProbe births = stage.Probe("births");
            SupervisionStrategy broken = SupervisionStrategy.Default with
            {
                Decide = _ => throw new InvalidOperationException("cannot decide"),
            };
            ActorRef parent = stage.System.Spawn("parent", Props.Of(() => new ScriptedActor(
                ScriptedActor.Synchronously((context, message) => context.Child("child")!.Tell(message)))
            {
                OnStart = context => context.Spawn("child", Failing(births, broken)),
            }));
            await births.ExpectMsgAsync("born");

            parent.Tell("fail");

            await births.ExpectMsgAsync("born", TimeSpan.FromSeconds(3));
        });

    [Fact]
    public void Backoff_doubles_up_to_its_bound()
    {
        double[] seconds = [.. Enumerable.Range(1, 5).Select(restart => s_patient.BackoffBefore(restart).TotalSeconds)];

        Assert.Equal([1, 2, 3, 3, 3], seconds);
    }

    private static Props Failing(TestProbe births, SupervisionStrategy strategy)
    {
        var props = Props.Of(() =>
            new ScriptedActor(ScriptedActor.Synchronously((_, _) => throw new InvalidOperationException("as asked")))
            {
                OnStart = _ => births.Ref.Tell("born"),
            });
        return props with { Supervision = strategy };
    }
}
