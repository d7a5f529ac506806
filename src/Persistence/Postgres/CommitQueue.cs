// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Persistence.Postgres;

/// <summary>Transactions that wait for a writer, in the order of the calls, bounded. Any thread.</summary>
/// <remarks>A VM's transactions are applied one after the other: while one of them is on its way, the others
/// wait.</remarks>
internal sealed class CommitQueue : IDisposable
{
    /// <summary>Transactions that may wait. One more is refused, as not committed.</summary>
    internal const int JobsMax = 8192;

    private readonly Lock _gate = new();
    private readonly LinkedList<CommitJob> _waiting = [];
    private readonly HashSet<VmId> _onTheirWay = [];
    private readonly SemaphoreSlim _work = new(0);
    private bool _closed;

    /// <returns>False where the queue is full or closed.</returns>
    internal bool TryAdd(CommitJob job)
    {
        lock (_gate)
        {
            if (_closed || _waiting.Count >= JobsMax)
            {
                return false;
            }

            _waiting.AddLast(job);
        }

        _work.Release();
        return true;
    }

    /// <summary>Waits until something may have come that can be taken.</summary>
    /// <returns>False once the queue is closed and empty.</returns>
    internal async Task<bool> WaitForWorkAsync()
    {
        await _work.WaitAsync().ConfigureAwait(false);
        lock (_gate)
        {
            return !_closed || _waiting.Count > 0;
        }
    }

    /// <summary>Takes a group: at most one transaction of a VM, and none of a VM of which one is on its way.</summary>
    internal List<CommitJob> Take(int jobsMax, long bytesMax)
    {
        List<CommitJob> group = [];
        HashSet<VmId> passedOver = [];
        long bytes = 0;
        lock (_gate)
        {
            for (LinkedListNode<CommitJob>? node = _waiting.First; node is not null && group.Count < jobsMax;)
            {
                LinkedListNode<CommitJob>? next = node.Next;
                CommitJob job = node.Value;
                VmId vm = job.Transaction.Vm;
                bool fits = group.Count == 0 || bytes + job.Bytes <= bytesMax;
                if (fits && !passedOver.Contains(vm) && _onTheirWay.Add(vm))
                {
                    group.Add(job);
                    bytes += job.Bytes;
                    _waiting.Remove(node);
                }
                else
                {
                    passedOver.Add(vm);
                }

                node = next;
            }
        }

        return group;
    }

    /// <summary>A group is answered: further transactions of its VMs may go.</summary>
    internal void Done(IReadOnlyList<CommitJob> group)
    {
        bool more;
        lock (_gate)
        {
            foreach (CommitJob job in group)
            {
                _onTheirWay.Remove(job.Transaction.Vm);
            }

            more = _waiting.Count > 0;
        }

        if (more)
        {
            _work.Release();
        }
    }

    /// <summary>Withdraws a transaction.</summary>
    /// <returns>False where a writer has it, or is done with it.</returns>
    internal bool TryWithdraw(CommitJob job)
    {
        lock (_gate)
        {
            return _waiting.Remove(job);
        }
    }

    /// <summary>Takes out what was queued before a moment.</summary>
    internal IReadOnlyList<CommitJob> TakeOlderThan(TimeSpan moment)
    {
        lock (_gate)
        {
            CommitJob[] late = [.. _waiting.TakeWhile(job => job.QueuedAt < moment)];
            foreach (CommitJob job in late)
            {
                _waiting.Remove(job);
            }

            return late;
        }
    }

    /// <summary>Takes no further transaction. What waits is still done.</summary>
    /// <param name="writers">How many may wait for work.</param>
    internal void Close(int writers)
    {
        lock (_gate)
        {
            _closed = true;
        }

        _work.Release(writers);
    }

    public void Dispose() => _work.Dispose();
}
