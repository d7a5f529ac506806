// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Kernel;
using KvmActors.TestKit;
using Xunit;

namespace KvmActors.Actors.Tests.Kernel;

public sealed class AskLaws : KernelTest
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(2);

    [Fact]
    public void The_first_answer_counts_and_a_second_is_a_dead_letter() =>
        UnderManySchedules(async stage =>
        {
            ActorRef actor = stage.Spawn("actor", (context, _) =>
            {
                context.Reply("one");
                context.Reply("two");
            });

            Assert.Equal("one", await actor.Ask<string>("?", s_limit));
            await stage.Wait(TimeSpan.FromMilliseconds(1));

            Assert.Equal(1, stage.System.DeadLetters.Count(DeadLetterReason.AskOver));
        });

    [Fact]
    public void Without_an_answer_it_ends_exactly_at_its_time_limit() =>
        UnderManySchedules(async stage =>
        {
            ActorRef silent = stage.Spawn("silent", (_, _) => { });
            DateTimeOffset asked = stage.World.Time.GetUtcNow();

            AskResult<string> result = await silent.TryAsk<string>("?", s_limit);

            Assert.Equal(new AskResult<string>.TimedOut("/user/silent", s_limit), result);
            Assert.InRange(stage.World.Time.GetUtcNow() - asked, s_limit, s_limit + TimeSpan.FromMilliseconds(1));
        });

    [Fact]
    public void An_answer_after_the_time_limit_is_a_dead_letter() =>
        UnderManySchedules(async stage =>
        {
            ActorRef slow = stage.Spawn("slow", async (context, _) =>
            {
                await context.System.Clock.DelayAsync(s_limit + s_limit);
                context.Reply("late");
            });

            AskException timeout = await Assert.ThrowsAsync<AskException>(() => slow.Ask<string>("?", s_limit));
            await stage.Wait(s_limit + s_limit);

            Assert.Equal(AskOutcome.TimedOut, timeout.Outcome);
            Assert.Equal(1, stage.System.DeadLetters.Count(DeadLetterReason.AskOver));
        });

    [Fact]
    public void A_question_to_a_stopped_actor_is_refused_at_once() =>
        UnderManySchedules(async stage =>
        {
            ActorRef actor = stage.Spawn("actor", (_, _) => { });
            await stage.System.StopAsync(actor, s_limit);

            AskResult<string> result = await actor.TryAsk<string>("?", s_limit);

            Assert.Equal(new AskResult<string>.Refused("/user/actor", TellResult.Stopped), result);
        });

    [Fact]
    public void A_question_that_waited_when_the_actor_stopped_is_refused_before_its_time_limit() =>
        UnderManySchedules(async stage =>
        {
            ActorRef actor = stage.Spawn(
                "actor", async (context, _) => await context.System.Clock.DelayAsync(TimeSpan.FromMilliseconds(5)));
            actor.Tell("busy");
            Task<AskResult<string>> asked = actor.TryAsk<string>("?", TimeSpan.FromHours(1));
            await stage.System.StopAsync(actor, s_limit);

            Assert.IsType<AskResult<string>.Refused>(await asked);
            Assert.True(stage.World.Time.Elapsed < s_limit);
        });

    [Fact]
    public void A_question_on_which_the_actor_fails_is_told_so() =>
        UnderManySchedules(async stage =>
        {
            ActorRef actor = stage.Spawn("actor", (_, _) => throw new InvalidOperationException("no"));

            AskResult<string> result = await actor.TryAsk<string>("?", s_limit);

            Assert.Equal("no", Assert.IsType<AskResult<string>.Failed>(result).Cause.Message);
        });

    [Fact]
    public void An_answer_of_another_type_is_no_answer() =>
        UnderManySchedules(async stage =>
        {
            ActorRef actor = stage.Spawn("actor", (context, _) => context.Reply(7));

            AskResult<string> result = await actor.TryAsk<string>("?", s_limit);

            Assert.Equal(new AskResult<string>.Unexpected("/user/actor", 7), result);
        });

    [Fact]
    public void A_caller_can_give_up_waiting() =>
        UnderManySchedules(async stage =>
        {
            ActorRef silent = stage.Spawn("silent", (_, _) => { });
            using CancellationTokenSource source = new();
            Task<string> asked = silent.Ask<string>("?", s_limit, cancellationToken: source.Token);
            Cancel(source);

            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asked);
        });

    /// <summary>CancelAsync would leave the simulation's thread.</summary>
    private static void Cancel(CancellationTokenSource source) => source.Cancel();

    [Fact]
    public async Task On_the_thread_pool_and_in_real_time_questions_are_answered()
    {
        ActorSystemOptions real = new(TaskScheduler.Default, TimeProvider.System);
        await using ActorSystem system = new("real", real);
        ActorRef echo = system.Spawn("echo", Props.Of(() => new ScriptedActor(async (context, message) =>
        {
            await Task.Yield();
            context.Reply(message);
        })));
        TestProbe probe = new(system);

        int[] answers = await Task.WhenAll(
            Enumerable.Range(0, 500).Select(number => echo.Ask<int>(number, TimeSpan.FromSeconds(30))));

        Assert.Equal(Enumerable.Range(0, 500), answers);
        probe.Send(echo, "hello");
        await probe.ExpectMsgAsync("hello", TimeSpan.FromSeconds(30));
        Assert.True((await system.ShutdownAsync(TimeSpan.FromSeconds(30))).IsClean);
        Assert.Equal(0, system.ActorCount);
    }
}
