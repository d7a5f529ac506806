// SPDX-License-Identifier: Apache-2.0

using System.Diagnostics;
using KvmActors.Actors.Kernel;
using KvmActors.Benchmarks.Parts;

namespace KvmActors.Benchmarks.Cluster;

/// <summary>The actor kernel beside a bare queue (a ConcurrentQueue that is emptied on the thread pool): what a
/// message, an answer and an idle actor cost.</summary>
internal static class KernelSpeed
{
    private const int Rounds = 5;
    private const int Messages = 3_000_000;
    private const int PingPongs = 1_000_000;
    private const int Asks = 300_000;
    private const int IdleActors = 200_000;

    private static readonly object s_message = new();

    public static async Task MeasureAsync(Action<string, FormattableString> print)
    {
        ActorSystemOptions options = new(TaskScheduler.Default, TimeProvider.System);
        await using ActorSystem system = new("kernel", options);
        (double Ours, double Bare)[] tells = new (double, double)[Rounds];
        (double Ours, double Bare)[] pingPongs = new (double, double)[Rounds];
        double[] asks = new double[Rounds];
        for (int round = 0; round < Rounds; round++)
        {
            tells[round] = (await TellAsync(system), await BareQueue.TellAsync(Messages, s_message));
            pingPongs[round] = (await PingPongAsync(system), await BareQueue.PingPongAsync(PingPongs, s_message));
            asks[round] = await AskAsync(system);
        }

        Print(print, "tell, one to one", tells);
        Print(print, "ping-pong of a pair", pingPongs);
        print("ask, one after the other", $"{Median.Of(asks) / 1e3,10:n0} k/s");
        print("an idle actor", $"{IdleBytes(system),10:f0} bytes");
    }

    private static void Print(
        Action<string, FormattableString> print, string what, (double Ours, double Bare)[] rounds)
    {
        double ours = Median.Of(rounds.Select(round => round.Ours));
        double ratio = Median.Of(rounds.Select(round => round.Ours / round.Bare));
        print(what, $"{ours / 1e6,10:f2} M/s, {ratio:f2} of a bare queue");
    }

    private static async Task<double> TellAsync(ActorSystem system)
    {
        TaskCompletionSource done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        ActorRef counter = system.SpawnAnonymous(Props.Of(() => new Counter(Messages, done)) with
        {
            MailboxCapacity = int.MaxValue,
        });
        long begun = Stopwatch.GetTimestamp();
        for (int message = 0; message < Messages; message++)
        {
            counter.Tell(s_message);
        }

        await done.Task;
        double speed = Messages / Stopwatch.GetElapsedTime(begun).TotalSeconds;
        await system.StopAsync(counter, TimeSpan.FromSeconds(10));
        return speed;
    }

    private static async Task<double> PingPongAsync(ActorSystem system)
    {
        TaskCompletionSource done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        ActorRef echo = system.SpawnAnonymous(Props.Of(() => new Echo()));
        ActorRef player = system.SpawnAnonymous(Props.Of(() => new Player(echo, PingPongs, done)));
        long begun = Stopwatch.GetTimestamp();
        player.Tell(s_message);
        await done.Task;
        double speed = PingPongs / Stopwatch.GetElapsedTime(begun).TotalSeconds;
        await system.StopAsync(player, TimeSpan.FromSeconds(10));
        await system.StopAsync(echo, TimeSpan.FromSeconds(10));
        return speed;
    }

    private static async Task<double> AskAsync(ActorSystem system)
    {
        ActorRef echo = system.SpawnAnonymous(Props.Of(() => new Echo()));
        long begun = Stopwatch.GetTimestamp();
        for (int ask = 0; ask < Asks; ask++)
        {
            if (await echo.TryAsk<object>(s_message, TimeSpan.FromSeconds(10)) is not AskResult<object>.Answered)
            {
                throw new InvalidOperationException("An ask was not answered.");
            }
        }

        double speed = Asks / Stopwatch.GetElapsedTime(begun).TotalSeconds;
        await system.StopAsync(echo, TimeSpan.FromSeconds(10));
        return speed;
    }

    /// <summary>All that an actor keeps which has handled a message and waits for the next: its cell, its mailbox, its
    /// instance of 24 bytes, and its place and name in the tree.</summary>
    private static double IdleBytes(ActorSystem system)
    {
        var props = Props.Of(static () => new Echo());
        var actors = new ActorRef[IdleActors];
        _ = system.SpawnAnonymous(props);
        long before = GC.GetTotalMemory(forceFullCollection: true);
        for (int index = 0; index < IdleActors; index++)
        {
            actors[index] = system.SpawnAnonymous(props);
            actors[index].Tell(s_message);
        }

        Task last = actors[^1].TryAsk<object>(s_message, TimeSpan.FromMinutes(1));
        last.Wait();
        long after = GC.GetTotalMemory(forceFullCollection: true);
        GC.KeepAlive(actors);
        return (after - before) / (double)IdleActors;
    }

    private sealed class Counter(int until, TaskCompletionSource done) : Actor
    {
        private int _count;

        public override ValueTask ReceiveAsync(object message)
        {
            if (++_count == until)
            {
                done.SetResult();
            }

            return ValueTask.CompletedTask;
        }
    }

    private sealed class Echo : Actor
    {
        public override ValueTask ReceiveAsync(object message)
        {
            Context.Sender?.Tell(message, Context.Self);
            return ValueTask.CompletedTask;
        }
    }

    private sealed class Player(ActorRef other, int until, TaskCompletionSource done) : Actor
    {
        private int _count;

        public override ValueTask ReceiveAsync(object message)
        {
            if (_count++ == until)
            {
                done.SetResult();
            }
            else
            {
                other.Tell(message, Context.Self);
            }

            return ValueTask.CompletedTask;
        }
    }
}
