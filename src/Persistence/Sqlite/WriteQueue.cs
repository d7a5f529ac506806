// SPDX-License-Identifier: Apache-2.0

using System.Diagnostics;

namespace KvmActors.Persistence.Sqlite;

/// <summary>What waits for the writer, by lane, bounded. Any thread.</summary>
internal sealed class WriteQueue
{
    /// <summary>Jobs that may wait in one lane. One more is refused, as not committed.</summary>
    internal const int JobsMax = 8192;

    private readonly object _gate = new();
    private readonly Queue<WriteJob>[] _lanes = [new(), new(), new()];
    private int _wanted = 1;
    private bool _closed;

    /// <returns>False where the lane is full or the queue is closed.</returns>
    internal bool TryAdd(WriteJob job)
    {
        lock (_gate)
        {
            Queue<WriteJob> lane = _lanes[(int)job.Lane];
            if (_closed || lane.Count >= JobsMax)
            {
                return false;
            }

            lane.Enqueue(job);
            if (job.Lane == WriteLane.Membership || lane.Count >= _wanted)
            {
                Monitor.Pulse(_gate);
            }

            return true;
        }
    }

    /// <summary>Waits until there is a job.</summary>
    /// <returns>False once the queue is closed and empty.</returns>
    internal bool WaitForWork()
    {
        lock (_gate)
        {
            while (!_closed && Array.TrueForAll(_lanes, lane => lane.Count == 0))
            {
                Monitor.Wait(_gate);
            }

            return Array.Exists(_lanes, lane => lane.Count > 0);
        }
    }

    /// <summary>Waits until so many commits are there, a renewal is, or the time is over.</summary>
    internal void WaitForCommits(int count, TimeSpan atMost)
    {
        long start = Stopwatch.GetTimestamp();
        lock (_gate)
        {
            // Woken once for all of them, not by each.
            _wanted = count;
            while (!_closed
                && _lanes[(int)WriteLane.Commit].Count < count
                && _lanes[(int)WriteLane.Membership].Count == 0
                && Stopwatch.GetElapsedTime(start) < atMost)
            {
                Monitor.Wait(_gate, millisecondsTimeout: 1);
            }

            _wanted = 1;
        }
    }

    /// <returns>The next job of a lane that nobody abandoned, or null.</returns>
    internal WriteJob? Take(WriteLane lane)
    {
        lock (_gate)
        {
            while (_lanes[(int)lane].TryDequeue(out WriteJob? job))
            {
                if (!job.IsAbandoned)
                {
                    return job;
                }
            }

            return null;
        }
    }

    /// <summary>Withdraws a job.</summary>
    /// <returns>False where the writer has begun it or is done.</returns>
    internal bool TryAbandon(WriteJob job)
    {
        lock (_gate)
        {
            // The writer takes a job out of its lane before it begins it, under this same lock.
            job.IsAbandoned |= _lanes[(int)job.Lane].Contains(job);
            return job.IsAbandoned;
        }
    }

    /// <summary>Takes out what was queued before a moment.</summary>
    internal IReadOnlyList<WriteJob> TakeOlderThan(TimeSpan moment)
    {
        lock (_gate)
        {
            List<WriteJob> old = [];
            foreach (Queue<WriteJob> lane in _lanes)
            {
                while (lane.TryPeek(out WriteJob? job) && (job.IsAbandoned || job.QueuedAt < moment))
                {
                    lane.Dequeue();
                    old.Add(job);
                }
            }

            return old;
        }
    }

    /// <summary>Takes no further job. What waits is still done.</summary>
    internal void Close()
    {
        lock (_gate)
        {
            _closed = true;
            Monitor.PulseAll(_gate);
        }
    }
}
