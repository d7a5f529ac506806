// SPDX-License-Identifier: Apache-2.0

using System.Collections.Concurrent;
using System.Diagnostics;

namespace KvmActors.Benchmarks.Cluster;

/// <summary>The least that could pass a message on: a ConcurrentQueue, emptied on the thread pool, three hundred
/// messages a turn. No address, no bound, no supervision.</summary>
internal sealed class BareQueue(Action<BareQueue, object> receive) : IThreadPoolWorkItem
{
    private const int MessagesPerTurn = 300;

    private readonly ConcurrentQueue<object> _queue = new();
    private int _isScheduled;

    public static async Task<double> TellAsync(int messages, object message)
    {
        TaskCompletionSource done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        int count = 0;
        BareQueue counter = new((_, _) =>
        {
            if (++count == messages)
            {
                done.SetResult();
            }
        });
        long begun = Stopwatch.GetTimestamp();
        for (int sent = 0; sent < messages; sent++)
        {
            counter.Tell(message);
        }

        await done.Task;
        return messages / Stopwatch.GetElapsedTime(begun).TotalSeconds;
    }

    public static async Task<double> PingPongAsync(int times, object message)
    {
        TaskCompletionSource done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        int count = 0;
        BareQueue? echo = null;
        BareQueue player = new((self, told) =>
        {
            if (count++ == times)
            {
                done.SetResult();
            }
            else
            {
                echo!.Tell(told);
            }
        });
        echo = new BareQueue((_, told) => player.Tell(told));
        long begun = Stopwatch.GetTimestamp();
        player.Tell(message);
        await done.Task;
        return times / Stopwatch.GetElapsedTime(begun).TotalSeconds;
    }

    public void Execute()
    {
        for (int taken = 0; taken < MessagesPerTurn && _queue.TryDequeue(out object? message); taken++)
        {
            receive(this, message);
        }

        Interlocked.Exchange(ref _isScheduled, 0);
        if (!_queue.IsEmpty)
        {
            Schedule();
        }
    }

    private void Tell(object message)
    {
        _queue.Enqueue(message);
        Schedule();
    }

    private void Schedule()
    {
        if (Interlocked.CompareExchange(ref _isScheduled, 1, 0) == 0)
        {
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        }
    }
}
