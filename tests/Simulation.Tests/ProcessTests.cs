// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Kernel;
using KvmActors.TestKit;
using KvmActors.TestKit.Simulation;
using Xunit;

namespace KvmActors.Simulation.Tests;

/// <summary>What a process can suffer: SIGKILL, SIGSTOP, a clock that goes wrong.</summary>
public sealed class ProcessTests
{
    private static readonly TimeSpan s_second = TimeSpan.FromSeconds(1);

    [Fact]
    public void A_killed_process_does_nothing_more_not_even_a_finally()
    {
        SimulatedWorld world = new(seed: 1);
        SimulatedProcess process = world.StartProcess("node");
        int ticks = 0;
        bool isCleanedUp = false;
        _ = process.Executor.Factory.StartNew(async () =>
        {
            try
            {
                while (true)
                {
                    await process.Clock.DelayAsync(s_second);
                    ticks++;
                }
            }
            finally
            {
                isCleanedUp = true;
            }
        });
        world.RunFor(TimeSpan.FromSeconds(3.5));

        process.Kill();
        world.RunFor(TimeSpan.FromSeconds(10));

        Assert.Equal(3, ticks);
        Assert.False(isCleanedUp);
    }

    [Fact]
    public void An_actor_system_dies_with_its_process_and_refuses_messages()
    {
        SimulatedWorld world = new(seed: 1);
        SimulatedProcess process = world.StartProcess("node");
        ActorSystem system = process.StartActorSystem();
        TestProbe probe = new(system, "probe");
        process.Kill();

        Assert.Equal(TellResult.Stopped, probe.Ref.Tell("hello"));
    }

    [Fact]
    public void A_frozen_process_stands_still_while_time_goes_on_and_then_catches_up()
    {
        SimulatedWorld world = new(seed: 1);
        SimulatedProcess process = world.StartProcess("node");
        List<TimeSpan> ticks = [];
        using ITimer timer = process.Clock.CreateTimer(_ => ticks.Add(world.Time.Elapsed), null, s_second, s_second);
        world.RunFor(TimeSpan.FromSeconds(1.5));

        process.Freeze();
        world.RunFor(TimeSpan.FromSeconds(5));
        Assert.Single(ticks);
        process.Thaw();
        world.RunFor(TimeSpan.FromSeconds(0.1));

        Assert.Equal(6, ticks.Count);
        Assert.All(ticks.Skip(1), tick => Assert.True(tick >= TimeSpan.FromSeconds(6.5)));
    }

    [Theory]
    [InlineData(1.01, 101)]
    [InlineData(1, 100)]
    [InlineData(0.99, 99)]
    public void A_clock_that_goes_wrong_fires_its_timers_early_or_late(double rate, int ticksIn100Seconds)
    {
        SimulatedWorld world = new(seed: 1);
        SimulatedProcess process = world.StartProcess("node", rate);
        int ticks = 0;
        long start = process.Clock.GetTimestamp();
        using ITimer timer = process.Clock.CreateTimer(_ => ticks++, null, s_second, s_second);

        world.RunFor(TimeSpan.FromSeconds(100.5));

        Assert.Equal(ticksIn100Seconds, ticks);
        Assert.Equal(100.5 * rate, process.Clock.GetElapsedTime(start).TotalSeconds, precision: 3);
    }

    [Fact]
    public void Virtual_timers_fire_in_the_order_of_their_due_times()
    {
        VirtualTimeProvider time = new();
        List<(string, TimeSpan)> fired = [];
        Set("late", 3);
        Set("early", 1);
        Set("first of two", 2);
        Set("second of two", 2);

        time.Advance(TimeSpan.FromSeconds(10));

        Assert.Equal(["early", "first of two", "second of two", "late"], fired.Select(one => one.Item1));
        Assert.Equal([1, 2, 2, 3], fired.Select(one => one.Item2.TotalSeconds));
        Assert.Equal(TimeSpan.FromSeconds(10), time.Elapsed);

        void Set(string name, int seconds) => time.CreateTimer(
            _ => fired.Add((name, time.Elapsed)), null, TimeSpan.FromSeconds(seconds), Timeout.InfiniteTimeSpan);
    }

    [Fact]
    public void A_virtual_timer_can_be_changed_stopped_and_repeated()
    {
        VirtualTimeProvider time = new();
        int fired = 0;
        ITimer timer = time.CreateTimer(_ => fired++, null, s_second, s_second);

        time.Advance(TimeSpan.FromSeconds(3));
        Assert.Equal(3, fired);
        timer.Change(TimeSpan.FromSeconds(5), Timeout.InfiniteTimeSpan);
        time.Advance(TimeSpan.FromSeconds(4));
        Assert.Equal(3, fired);
        time.Advance(TimeSpan.FromSeconds(4));
        Assert.Equal(4, fired);
        timer.Dispose();

        Assert.Null(time.NextDue);
        Assert.False(timer.Change(s_second, s_second));
    }
}
