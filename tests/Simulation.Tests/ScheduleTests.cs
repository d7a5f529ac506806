// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Kernel;
using KvmActors.TestKit.Simulation;
using Xunit;

namespace KvmActors.Simulation.Tests;

/// <summary>A run is a function of its seed, and of nothing else.</summary>
public sealed class ScheduleTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(0xDEAD_BEEF)]
    public void The_same_seed_gives_the_same_run(ulong seed)
    {
        (ulong hash, string order) = Race(seed);

        (ulong hashAgain, string orderAgain) = Race(seed);

        Assert.Equal(order, orderAgain);
        Assert.Equal(hash, hashAgain);
    }

    [Fact]
    public void Different_seeds_give_different_interleavings()
    {
        string[] orders = [.. Enumerable.Range(1, 20).Select(seed => Race((ulong)seed).Order).Distinct()];

        Assert.True(orders.Length > 10, $"20 seeds gave only {orders.Length} orders: {string.Join(" ", orders)}");
    }

    [Fact]
    public void A_task_from_another_thread_is_found_out()
    {
        SimulatedWorld world = new(seed: 1);

        SimulationException found = Assert.Throws<SimulationException>(() => world.Run(() =>
        {
            TaskFactory pool = new(TaskScheduler.Default);
            Task stray = pool.StartNew(() => world.Scheduler.Root.Factory.StartNew(() => { }));
            Assert.True(SpinWait.SpinUntil(() => world.Scheduler.ForeignTasks > 0, TimeSpan.FromSeconds(30)));
            return stray;
        }));

        Assert.Contains("another thread", found.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_test_that_never_completes_ends_at_its_virtual_time_limit()
    {
        SimulatedWorld world = new(seed: 7);

        SimulationException ended = Assert.Throws<SimulationException>(
            () => world.Run(() => world.Time.DelayAsync(TimeSpan.FromDays(1)), TimeSpan.FromHours(1)));

        Assert.Contains("Seed 7", ended.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_broken_invariant_names_itself_the_seed_and_the_step()
    {
        SimulatedWorld world = new(seed: 3);
        int ticks = 0;
        world.AddInvariant("fewer than five ticks", () => Assert.True(ticks < 5));

        SimulationException broken = Assert.Throws<SimulationException>(() => world.Run(async () =>
        {
            for (; ticks < 10; ticks++)
            {
                await world.Time.DelayAsync(TimeSpan.FromSeconds(1));
            }
        }));

        Assert.Contains("fewer than five ticks", broken.Message, StringComparison.Ordinal);
        Assert.Contains("Seed 3, step", broken.Message, StringComparison.Ordinal);
        Assert.Equal(5, ticks);
    }

    [Fact]
    public void A_run_that_wakes_itself_for_ever_is_ended()
    {
        SimulatedWorld world = new(seed: 1) { StepsMax = 1000, StepCost = TimeSpan.Zero };

        SimulationException ended = Assert.Throws<SimulationException>(() => world.Run(async () =>
        {
            while (true)
            {
                await Task.Yield();
            }
        }));

        Assert.Contains("1000 steps", ended.Message, StringComparison.Ordinal);
    }

    /// <summary>Three actors of two processes write their names, with waits between.</summary>
    private static (ulong Hash, string Order) Race(ulong seed)
    {
        SimulatedWorld world = new(seed);
        List<char> order = [];
        ActorSystem one = world.StartProcess("one").StartActorSystem();
        ActorSystem two = world.StartProcess("two").StartActorSystem();
        ActorRef[] writers =
        [
            one.Spawn("a", Props.Of(() => new Writer('a', order))),
            one.Spawn("b", Props.Of(() => new Writer('b', order))),
            two.Spawn("c", Props.Of(() => new Writer('c', order))),
        ];
        foreach (ActorRef writer in writers)
        {
            for (int message = 0; message < 5; message++)
            {
                writer.Tell("write");
            }
        }

        world.RunFor(TimeSpan.FromSeconds(1));
        Assert.Equal(15, order.Count);
        return (world.TraceHash, string.Concat(order));
    }

    private sealed class Writer(char name, List<char> order) : Actor
    {
        public override async ValueTask ReceiveAsync(object message)
        {
            await Task.Yield();
            order.Add(name);
        }
    }
}
