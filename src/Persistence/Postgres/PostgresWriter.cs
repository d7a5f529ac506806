// SPDX-License-Identifier: Apache-2.0

using System.Diagnostics;
using KvmActors.Persistence.Journal;
using Npgsql;

namespace KvmActors.Persistence.Postgres;

/// <summary>The writers of a store in this process: some connections, each of which takes all that waits and commits
/// it as one group by <see cref="PostgresCommitFunction"/>.</summary>
/// <remarks>
/// A group is one statement and one flush of the server's log. While it is on its way, what comes gathers for the next
/// one, on this connection or another.
/// A refused transaction is refused inside of its group. A fault undoes the group as a whole: then each of its
/// transactions goes alone, and only the one that is at fault fails. Where the connection breaks, nobody knows: each is
/// answered as <see cref="CommitOutcome.Unknown"/>, and its owner decides by the rows.
/// </remarks>
internal sealed class PostgresWriter : IAsyncDisposable
{
    internal const int GroupJobsMax = 512;

    internal const long GroupBytesMax = 4 << 20;

    private const string FindIds =
        "SELECT vm_id, id FROM snapshot WHERE vm_id = ANY($1) ORDER BY vm_id, id";

    private static readonly TimeSpan s_reconnectFirst = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan s_reconnectMost = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_watchPeriod = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan s_disposeWait = TimeSpan.FromSeconds(5);

    private readonly PostgresServer _server;
    private readonly PostgresStoreOptions _options;
    private readonly CommitQueue _queue = new();
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly CancellationTokenSource _end = new();
    private readonly Task[] _writers;
    private readonly Timer _watch;
    private volatile Exception? _away;
    private long _groups;

    internal PostgresWriter(PostgresServer server, PostgresStoreOptions options)
    {
        _server = server;
        _options = options;
        _writers = [.. Enumerable.Range(0, options.Writers).Select(_ => Task.Run(RunAsync))];
        _watch = new Timer(_ => RefuseLate(), state: null, s_watchPeriod, s_watchPeriod);
    }

    /// <summary>Groups committed so far.</summary>
    internal long Groups => Interlocked.Read(ref _groups);

    /// <exception cref="OperationCanceledException">Cancelled before it was begun. Once begun it is
    /// finished.</exception>
    internal async ValueTask<CommitResult> CommitAsync(
        StoreTransaction transaction, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        CommitJob job = new(transaction, _clock.Elapsed);
        if (!_queue.TryAdd(job))
        {
            throw new StoreUnavailableException(
                $"Expected fewer than {CommitQueue.JobsMax} transactions to wait for the store {_server.Address}, and "
                + "the store to be open; found it full or closed.",
                CommitOutcome.NotCommitted);
        }

        await using CancellationTokenRegistration registration = cancellationToken.UnsafeRegister(
            _ =>
            {
                if (_queue.TryWithdraw(job))
                {
                    job.Fail(new OperationCanceledException(cancellationToken));
                }
            },
            state: null);
        return await job.Task.ConfigureAwait(false);
    }

    /// <summary>Finishes what waits, for a bounded time.</summary>
    public async ValueTask DisposeAsync()
    {
        _queue.Close(_writers.Length);
        var all = Task.WhenAll(_writers);
        await Task.WhenAny(all, Task.Delay(s_disposeWait)).ConfigureAwait(false);
        await _end.CancelAsync().ConfigureAwait(false);
        await all.ConfigureAwait(false);
        await _watch.DisposeAsync().ConfigureAwait(false);
        Refuse(_queue.TakeOlderThan(TimeSpan.MaxValue), "it was closed");
        _queue.Dispose();
        _end.Dispose();
    }

    private async Task RunAsync()
    {
        PostgresSession? session = null;
        while (!_end.IsCancellationRequested && await _queue.WaitForWorkAsync().ConfigureAwait(false))
        {
            session ??= await ConnectAsync().ConfigureAwait(false);
            if (session is null)
            {
                break;
            }

            List<CommitJob> group = _queue.Take(GroupJobsMax, GroupBytesMax);
            if (group.Count > 0)
            {
                bool isSound = await RunGroupAsync(session, group).ConfigureAwait(false);
                _queue.Done(group);
                session = isSound ? session : await DropAsync(session).ConfigureAwait(false);
            }
        }

        if (session is not null)
        {
            await session.DisposeAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Tries until there is a connection. What waits meanwhile is refused in its time by
    /// <see cref="RefuseLate"/>.</summary>
    /// <returns>Null where the store is closed.</returns>
    private async Task<PostgresSession?> ConnectAsync()
    {
        TimeSpan wait = s_reconnectFirst;
        while (!_end.IsCancellationRequested)
        {
            try
            {
                PostgresSession session = await _server.ConnectWriterAsync(_end.Token).ConfigureAwait(false);
                _away = null;
                return session;
            }
            catch (StoreUnavailableException fault)
            {
                _away = fault;
            }
            catch (OperationCanceledException)
            {
                return null;
            }

            // Writers of many nodes do not all come back at the same moment.
            TimeSpan jitter = wait * (0.5 + (Random.Shared.NextDouble() / 2));
            await Task.WhenAny(Task.Delay(jitter, _end.Token)).ConfigureAwait(false);
            wait = wait * 2 < s_reconnectMost ? wait * 2 : s_reconnectMost;
        }

        return null;
    }

    private static async Task<PostgresSession?> DropAsync(PostgresSession session)
    {
        await session.DisposeAsync().ConfigureAwait(false);
        return null;
    }

    /// <returns>Whether the connection still stands.</returns>
    private async Task<bool> RunGroupAsync(PostgresSession session, IReadOnlyList<CommitJob> group)
    {
        try
        {
            IReadOnlyList<CommitJob> again = await CommitGroupAsync(session, group).ConfigureAwait(false);
            return again.Count == 0 || await RunGroupAsync(session, again).ConfigureAwait(false);
        }
        catch (Exception fault) when (PostgresFault.IsPassing(fault) && IsInTime(group) && session.IsOpen)
        {
            return await RunGroupAsync(session, group).ConfigureAwait(false);
        }
        catch (Exception fault) when (group.Count > 1 && !IsBroken(session, fault))
        {
            foreach (CommitJob job in group)
            {
                if (!await RunGroupAsync(session, [job]).ConfigureAwait(false))
                {
                    // Those behind it are not begun.
                    Refuse([.. group.Where(job => !job.Task.IsCompleted)], "its connection broke");
                    return false;
                }
            }

            return true;
        }
#pragma warning disable CA1031 // Every fault of a group goes to those who wait for it; the writer lives on.
        catch (Exception fault)
#pragma warning restore CA1031
        {
            bool isBroken = IsBroken(session, fault);
            Exception named = await NamedAsync(session, group[0].Transaction, fault).ConfigureAwait(false);
            foreach (CommitJob job in group)
            {
                job.Fail(named);
            }

            return !isBroken;
        }
    }

    /// <returns>Those that have to come again, with each page looked for.</returns>
    private async Task<IReadOnlyList<CommitJob>> CommitGroupAsync(
        PostgresSession session, IReadOnlyList<CommitJob> group)
    {
        await FindDroppedAsync(session, group).ConfigureAwait(false);
        long? now = _server.ClockNowMs;
        await using NpgsqlCommand command =
            CommitCall.Build(session.Connection, group, now, _options.ClockName);
        Dictionary<int, List<CommitAnswer>> refused = [];
        await using (NpgsqlDataReader reader =
            await command.ExecuteReaderAsync(CancellationToken.None).ConfigureAwait(false))
        {
            while (await reader.ReadAsync(CancellationToken.None).ConfigureAwait(false))
            {
                CommitAnswer answer = PostgresSession.Map(reader, CommitAnswer.Read);
                if (!refused.TryGetValue(answer.Job, out List<CommitAnswer>? answers))
                {
                    refused.Add(answer.Job, answers = []);
                }

                answers.Add(answer);
            }

            // The last row comes before the commit: only behind the end has the server said that it is durable, and a
            // reader that is disposed before it tells no fault.
            await reader.NextResultAsync(CancellationToken.None).ConfigureAwait(false);
        }

        Interlocked.Increment(ref _groups);
        List<CommitJob> again = [];
        for (int i = 0; i < group.Count; i++)
        {
            if (!refused.TryGetValue(i, out List<CommitAnswer>? answers))
            {
                group[i].Answer(new CommitResult.Committed());
            }
            else if (!TryConclude(group[i], answers))
            {
                group[i].LooksForPages = true;
                again.Add(group[i]);
            }
        }

        return again;
    }

    private bool TryConclude(CommitJob job, List<CommitAnswer> answers)
    {
        try
        {
            CommitResult? result = CommitAnswer.Conclude(job.Transaction, answers, _options.ClockName);
            if (result is not null)
            {
                job.Answer(result);
            }

            return result is not null;
        }
        catch (StoreCorruptException fault)
        {
            job.Fail(fault);
            return true;
        }
    }

    /// <summary>Which snapshots each new one makes superfluous, by what is stored now. Only a VM's owner adds any, and
    /// one that a collection drops meanwhile is dropped.</summary>
    private static async Task FindDroppedAsync(PostgresSession session, IReadOnlyList<CommitJob> group)
    {
        CommitJob[] jobs = [.. group.Where(job => job.Transaction is { Snapshot: not null, Retention: not null })];
        if (jobs.Length == 0)
        {
            return;
        }

        List<(string Vm, ulong Id)> stored = await session.QueryAsync(
            FindIds,
            row => (row.GetString(0), (ulong)row.GetInt64(1)),
            CancellationToken.None,
            (object)jobs.Select(job => job.Transaction.Vm.Value).ToArray()).ConfigureAwait(false);
        foreach (CommitJob job in jobs)
        {
            StoreTransaction transaction = job.Transaction;
            ulong[] ids = [.. stored.Where(row => row.Vm == transaction.Vm.Value).Select(row => row.Id)];
            job.Dropped = transaction.Retention!.Dropped([.. ids.Append(transaction.Snapshot!.Id).Order()]);
        }
    }

    private bool IsInTime(IReadOnlyList<CommitJob> group) =>
        group.All(job => _clock.Elapsed - job.QueuedAt < _options.CommitTimeout);

    /// <remarks>Asked of the connection too: one that is kept though it broke would fail every commit from then
    /// on.</remarks>
    private static bool IsBroken(PostgresSession session, Exception fault) =>
        !session.IsOpen || (PostgresFault.IsOfStore(fault) && !PostgresFault.IsRefusal(fault));

    private async Task<Exception> NamedAsync(PostgresSession session, StoreTransaction transaction, Exception fault) =>
        await PostgresDamage.FindAsync(session, transaction, fault).ConfigureAwait(false)
        ?? (PostgresFault.IsOfStore(fault) || !session.IsOpen
            ? PostgresFault.AtWrite(fault, _server.Address)
            : fault);

    /// <summary>Runs now and then: refuses what has waited too long.</summary>
    private void RefuseLate() => Refuse(
        _queue.TakeOlderThan(_clock.Elapsed - _options.CommitTimeout),
        _away?.Message ?? "every connection that writes was busy");

    private void Refuse(IReadOnlyList<CommitJob> jobs, string why)
    {
        foreach (CommitJob job in jobs)
        {
            job.Fail(new StoreUnavailableException(
                $"The store {_server.Address} did not take a transaction within "
                + $"{_options.CommitTimeout.TotalSeconds:0.#} s: {why.TrimEnd('.')}. Nothing of it was committed; send "
                + "it again.",
                CommitOutcome.NotCommitted));
        }
    }
}
