// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Kernel;
using Xunit;

namespace KvmActors.Actors.Tests.Kernel;

/// <summary>What a simulation on one thread cannot show: the mailbox under real contention.</summary>
public sealed class ManyThreadsTests
{
    private const int Senders = 4;
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Senders_on_many_threads_keep_their_order_and_the_mailbox_its_bound()
    {
        const int Each = 5_000;
        const int Bound = 100;
        await using ActorSystem system = NewSystem();
        int[] next = new int[Senders];
        int wrong = 0;
        long handled = 0;
        TaskCompletionSource all = new(TaskCreationOptions.RunContinuationsAsynchronously);
        ActorRef receiver = system.Spawn("receiver", ScriptedActor.Props((_, message) =>
        {
            (int sender, int sequence) = ((int, int))message;
            wrong += next[sender]++ == sequence ? 0 : 1;
            if (++handled == Senders * Each)
            {
                all.SetResult();
            }
        }) with
        { MailboxCapacity = Bound });

        await Task.WhenAll(Enumerable.Range(0, Senders).Select(sender => Task.Run(async () =>
        {
            for (int sequence = 0; sequence < Each; sequence++)
            {
                while (receiver.Tell((sender, sequence)) != TellResult.Accepted)
                {
                    await Task.Yield();
                }
            }
        })));
        await all.Task.WaitAsync(s_limit);

        Assert.Equal(0, wrong);
        Assert.Equal(Senders * Each, handled);
    }

    [Fact]
    public async Task What_was_accepted_is_handled_or_a_dead_letter_also_while_the_actor_stops()
    {
        for (int round = 0; round < 50; round++)
        {
            await using ActorSystem system = NewSystem();
            long handled = 0;
            long accepted = 0;
            long refused = 0;
            ActorRef receiver = system.Spawn("receiver", ScriptedActor.Props((_, _) => handled++));
            Task[] senders = [.. Enumerable.Range(0, Senders).Select(_ => Task.Run(() =>
            {
                for (int sequence = 0; sequence < 500; sequence++)
                {
                    if (receiver.Tell(sequence) == TellResult.Accepted)
                    {
                        Interlocked.Increment(ref accepted);
                    }
                    else
                    {
                        Interlocked.Increment(ref refused);
                    }
                }
            }))];
            Assert.True(await system.StopAsync(receiver, s_limit));
            await Task.WhenAll(senders);

            // A message that slips in beside the last look is drained by a turn of its own.
            Assert.True(SpinWait.SpinUntil(
                () => handled + system.DeadLetters.Total == accepted + refused, s_limit));
        }
    }

    [Fact]
    public async Task A_tree_of_many_actors_stops_whole()
    {
        await using ActorSystem system = NewSystem();
        for (int top = 0; top < 20; top++)
        {
            system.Spawn($"top{top}", Props.Of(() => new ScriptedActor((_, _) => ValueTask.CompletedTask)
            {
                OnStart = context =>
                {
                    for (int child = 0; child < 50; child++)
                    {
                        context.Spawn($"child{child}", ScriptedActor.Props((_, _) => { }));
                    }
                },
            }));
        }

        ShutdownResult result = await system.ShutdownAsync(s_limit);

        Assert.True(result.IsClean, string.Join(", ", result.StillRunning));
        Assert.Equal(0, system.ActorCount);
    }

    private static ActorSystem NewSystem() =>
        new("real", new ActorSystemOptions(TaskScheduler.Default, TimeProvider.System));
}
