// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Kernel;
using KvmActors.TestKit;
using Xunit;

namespace KvmActors.Actors.Tests.Kernel;

public sealed class MailboxLaws : KernelTest
{
    [Fact]
    public void Messages_of_one_sender_on_one_lane_are_handled_in_the_order_they_were_sent() =>
        UnderManySchedules(async stage =>
        {
            TestProbe probe = stage.Probe();
            ActorRef relay = stage.Spawn("relay", (_, message) => probe.Ref.Tell(message));
            ActorRef[] senders =
            [
                .. Enumerable.Range(0, 3).Select(
                    number => stage.Spawn($"sender{number}", (_, message) => relay.Tell(message))),
            ];

            for (int sequence = 0; sequence < 20; sequence++)
            {
                for (int sender = 0; sender < senders.Length; sender++)
                {
                    senders[sender].Tell((sender, sequence));
                }
            }

            int[] next = new int[senders.Length];
            for (int count = 0; count < 20 * senders.Length; count++)
            {
                (int sender, int sequence) = await probe.ExpectMsgAsync<(int, int)>();
                Assert.Equal(next[sender]++, sequence);
            }
        });

    [Fact]
    public void A_control_message_overtakes_the_user_messages_that_wait() =>
        UnderManySchedules(async stage =>
        {
            TestProbe probe = stage.Probe();
            TaskCompletionSource gate = new();
            ActorRef actor = stage.Spawn("actor", async (_, message) =>
            {
                probe.Ref.Tell(message);
                await gate.Task;
            });
            actor.Tell("first");
            await probe.ExpectMsgAsync("first");

            actor.Tell("user 1");
            actor.Tell("user 2");
            actor.Tell("control 1", lane: Lane.Control);
            actor.Tell("control 2", lane: Lane.Control);
            gate.SetResult();

            await probe.ExpectMsgAsync("control 1");
            await probe.ExpectMsgAsync("control 2");
            await probe.ExpectMsgAsync("user 1");
            await probe.ExpectMsgAsync("user 2");
        });

    [Fact]
    public void The_next_message_is_not_taken_before_the_receive_has_completed() =>
        UnderManySchedules(async stage =>
        {
            TestProbe probe = stage.Probe();
            int inside = 0;
            ActorRef actor = stage.Spawn("actor", async (context, message) =>
            {
                Assert.Equal(1, ++inside);
                await context.System.Clock.DelayAsync(TimeSpan.FromMilliseconds(1));
                Assert.Same(context.System.Executor, TaskScheduler.Current);
                Assert.Equal(0, --inside);
                probe.Ref.Tell(message);
            });

            for (int number = 0; number < 5; number++)
            {
                actor.Tell(number);
            }

            for (int number = 0; number < 5; number++)
            {
                await probe.ExpectMsgAsync(number);
            }
        });

    [Theory]
    [InlineData(Lane.User)]
    [InlineData(Lane.Control)]
    public void A_full_lane_refuses_visibly_and_counts_a_dead_letter(Lane lane) =>
        UnderManySchedules(async stage =>
        {
            TaskCompletionSource gate = new();
            Props props = Props.Of(() => new ScriptedActor(async (_, _) => await gate.Task)) with
            {
                MailboxCapacity = 2,
                ControlCapacity = 2,
            };
            ActorRef actor = stage.System.Spawn("actor", props);
            actor.Tell("in hand");
            await stage.Wait(TimeSpan.FromMilliseconds(1));
            List<DeadLetter> letters = [];
            using IDisposable subscription = stage.System.DeadLetters.Subscribe(letters.Add);

            Assert.Equal(TellResult.Accepted, actor.Tell(1, lane: lane));
            Assert.Equal(TellResult.Accepted, actor.Tell(2, lane: lane));
            Assert.Equal(TellResult.MailboxFull, actor.Tell(3, lane: lane));

            Assert.Equal(1, stage.System.DeadLetters.Count(DeadLetterReason.MailboxFull));
            Assert.Equal(3, Assert.Single(letters).Message);
            Lane other = lane == Lane.User ? Lane.Control : Lane.User;
            Assert.Equal(TellResult.Accepted, actor.Tell(4, lane: other));
            gate.SetResult();
            await stage.Wait(TimeSpan.FromMilliseconds(1));
            Assert.Equal(TellResult.Accepted, actor.Tell(5, lane: lane));
        });

    [Fact]
    public void A_stopped_actor_refuses_and_what_waited_becomes_a_dead_letter() =>
        UnderManySchedules(async stage =>
        {
            TaskCompletionSource gate = new();
            ActorRef actor = stage.Spawn("actor", async (_, _) => await gate.Task);
            actor.Tell("in hand");
            await stage.Wait(TimeSpan.FromMilliseconds(1));
            actor.Tell("waits");
            Task<bool> stopped = stage.System.StopAsync(actor, TimeSpan.FromSeconds(1));
            gate.SetResult();

            Assert.True(await stopped);
            Assert.Equal(TellResult.Stopped, actor.Tell("late"));

            Assert.Equal(2, stage.System.DeadLetters.Count(DeadLetterReason.RecipientStopped));
            Assert.Null(stage.System.Find("/user/actor"));
        });

    [Fact]
    public void A_poison_pill_lets_what_came_before_it_be_handled() =>
        UnderManySchedules(async stage =>
        {
            TestProbe probe = stage.Probe();
            List<object> handled = [];
            ActorRef actor = stage.Spawn("actor", (_, message) => handled.Add(message));
            probe.Watch(actor);

            actor.Tell(1);
            actor.Tell(2);
            actor.Tell(PoisonPill.Instance);
            actor.Tell(3);

            await probe.ExpectTerminatedAsync(actor);
            Assert.Equal([1, 2], handled);
        });

    [Fact]
    public void The_context_is_refused_outside_of_a_turn() =>
        UnderManySchedules(async stage =>
        {
            IActorContext? kept = null;
            ActorRef actor = stage.Spawn("actor", (context, _) =>
            {
                kept = context;
                context.Reply("done");
            });
            await actor.Ask<string>("go", TimeSpan.FromSeconds(1));
            await stage.Wait(TimeSpan.FromMilliseconds(1));

            Assert.Throws<InvalidOperationException>(() => kept!.Sender);
            Assert.Throws<InvalidOperationException>(() => kept!.Watch(stage.Probe().Ref));
        });
}
