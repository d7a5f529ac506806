// SPDX-License-Identifier: Apache-2.0

using System.Diagnostics;
using Microsoft.Data.Sqlite;

namespace KvmActors.Persistence.Sqlite;

/// <summary>The one writer of a store in this process: a thread that takes all that waits, gets the turn among the
/// processes, and commits it as one group.</summary>
/// <remarks>
/// A group: wait for work, wait for the turn (<see cref="WriterLock"/>), BEGIN IMMEDIATE, each job, COMMIT, give the
/// turn back, answer. Nothing is answered before COMMIT, a refusal neither: it may rest on a row that another job of
/// the group wrote.
/// A refused job drops out alone. Most are refused before they wrote anything, as a fence is; so a group is first tried
/// without savepoints. If one is refused with something written, the group is rolled back and done again, each job
/// under a savepoint of its own.
/// Jobs are taken only once the turn is here, so the longer the wait the larger the group. Renewals go first; commits
/// follow until <see cref="GroupBudget"/> is spent; then one job of pages.
/// Those who were answered come again at once, but not at the same moment: without a wait for them (as PostgreSQL's
/// commit_delay) every second COMMIT would be for the first of them alone.
/// </remarks>
internal sealed class SqliteWriter : IDisposable
{
    /// <summary>How long a group takes further jobs. COMMIT comes on top.</summary>
    internal static TimeSpan GroupBudget { get; } = TimeSpan.FromMilliseconds(8);

    internal const int GroupJobsMax = 512;

    /// <summary>From so many commits in a group on, the next group waits for as many.</summary>
    internal const int CrowdMin = 8;

    /// <summary>For how long it waits at least: less than a COMMIT takes on a quiet machine. On a busy one, all take
    /// longer, and the wait is that of the last COMMIT.</summary>
    internal static TimeSpan CrowdWaitMin { get; } = TimeSpan.FromMilliseconds(2);

    internal static TimeSpan CrowdWaitMax { get; } = TimeSpan.FromMilliseconds(10);

    private static readonly TimeSpan s_watchPeriod = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan s_disposeWait = TimeSpan.FromSeconds(5);

    private readonly SqliteFile _file;
    private readonly SqliteStoreOptions _options;
    private readonly WriteQueue _queue = new();
    private readonly WriterLock _turn;
    private readonly StoppedHolder _holder;
    private readonly Thread _thread;
    private readonly Timer _watch;
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private SqliteSession? _session;
    private volatile bool _waitsForTurn;
    private bool _wasOpen;
    private long _groups;
    private int _lastGroup;
    private TimeSpan _lastCommit;

    internal SqliteWriter(SqliteFile file, SqliteStoreOptions options)
    {
        _file = file;
        _options = options;
        _turn = new WriterLock(file.Path);
        _holder = new StoppedHolder(_turn, options.StoppedHolderAfter);
        _thread = new Thread(Run) { IsBackground = true, Name = "sqlite-writer" };
        _thread.Start();
        _watch = new Timer(_ => Watch(), state: null, s_watchPeriod, s_watchPeriod);
    }

    /// <summary>Groups committed so far.</summary>
    internal long Groups => Interlocked.Read(ref _groups);

    /// <param name="work">Gives the result, and whether what it wrote stays; runs on the writer's thread.</param>
    /// <exception cref="OperationCanceledException">Cancelled before it was begun. Once begun it is
    /// finished.</exception>
    internal async ValueTask<T> RunAsync<T>(
        WriteLane lane, Func<SqliteSession, (T Result, bool Keep)> work, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var job = new WriteJob<T>(lane, _clock.Elapsed, work);
        if (!_queue.TryAdd(job))
        {
            throw new StoreUnavailableException(
                $"Expected fewer than {WriteQueue.JobsMax} transactions to wait for the store {_file.Path}, and the "
                + "store to be open; found it full or closed.",
                CommitOutcome.NotCommitted);
        }

        await using CancellationTokenRegistration registration = cancellationToken.UnsafeRegister(
            _ =>
            {
                if (_queue.TryAbandon(job))
                {
                    job.Fail(new OperationCanceledException(cancellationToken));
                }
            },
            state: null);
        return await job.Task.ConfigureAwait(false);
    }

    /// <summary>Finishes what waits, for a bounded time.</summary>
    public void Dispose()
    {
        _queue.Close();
        bool done = _thread.Join(s_disposeWait);
        _watch.Dispose();
        if (!done)
        {
            Refuse(_queue.TakeOlderThan(TimeSpan.MaxValue), "it was closed");
        }
    }

    private void Run()
    {
        try
        {
            while (_queue.WaitForWork())
            {
                RunGroup();
            }
        }
        finally
        {
            _session?.Dispose();
            _turn.Dispose();
        }
    }

    private void RunGroup()
    {
        List<WriteJob> begun = [];
        try
        {
            if (_lastGroup >= CrowdMin)
            {
                TimeSpan wait = _lastCommit < CrowdWaitMax ? _lastCommit : CrowdWaitMax;
                _queue.WaitForCommits(_lastGroup, wait > CrowdWaitMin ? wait : CrowdWaitMin);
            }

            _waitsForTurn = true;
            _turn.Acquire();
            _waitsForTurn = false;
            try
            {
                CommitGroup(begun);
            }
            finally
            {
                _turn.Release();
            }
        }
#pragma warning disable CA1031 // Every fault of a group goes to those who wait for it; the writer lives on.
        catch (Exception fault)
#pragma warning restore CA1031
        {
            FailGroup(begun, fault);
            return;
        }

        _lastGroup = begun.Count(job => job.Lane == WriteLane.Commit);
        Interlocked.Increment(ref _groups);
        begun.ForEach(job => job.Answer());
    }

    private void CommitGroup(List<WriteJob> begun)
    {
        _session ??= _file.OpenWriter();
        _wasOpen = true;
        _session.Execute("BEGIN IMMEDIATE");
        TimeSpan since = _clock.Elapsed;
        bool plain = true;
        foreach (WriteJob job in TakeGroup(since))
        {
            begun.Add(job);
            if (plain && !TryApplyPlain(_session, job, begun))
            {
                plain = false;
                RepeatUnderSavepoints(_session, begun);
            }
            else if (!plain)
            {
                ApplyUnderSavepoint(_session, job, begun);
            }
        }

        TimeSpan applied = _clock.Elapsed;
        try
        {
            _session.Execute("COMMIT");
            _lastCommit = _clock.Elapsed - applied;
        }
        catch (SqliteException fault)
        {
            throw SqliteFault.AtWrite(fault, _file.Path, SqliteFault.OutcomeOfCommit(fault));
        }
    }

    private IEnumerable<WriteJob> TakeGroup(TimeSpan since)
    {
        while (_queue.Take(WriteLane.Membership) is { } job)
        {
            yield return job;
        }

        for (int i = 0; i < GroupJobsMax && _clock.Elapsed - since < GroupBudget; i++)
        {
            if (_queue.Take(WriteLane.Commit) is not { } job)
            {
                break;
            }

            yield return job;
        }

        if (_queue.Take(WriteLane.Pages) is { } pages)
        {
            yield return pages;
        }
    }

    /// <returns>False where the job left something behind that must not stay.</returns>
    private bool TryApplyPlain(SqliteSession session, WriteJob job, List<WriteJob> begun)
    {
        int before = session.RowsChanged;
        try
        {
            return job.Apply(session) || session.RowsChanged == before;
        }
#pragma warning disable CA1031 // A fault of one job is that job's alone, as long as the transaction stands.
        catch (Exception fault)
#pragma warning restore CA1031
        {
            if (!session.IsInTransaction)
            {
                throw;
            }

            if (session.RowsChanged != before)
            {
                // It will show the same fault again under its savepoint.
                return false;
            }

            begun.Remove(job);
            job.Fail(Named(fault));
            return true;
        }
    }

    private void RepeatUnderSavepoints(SqliteSession session, List<WriteJob> begun)
    {
        session.Execute("ROLLBACK");
        session.Execute("BEGIN IMMEDIATE");
        foreach (WriteJob job in begun.ToArray())
        {
            ApplyUnderSavepoint(session, job, begun);
        }
    }

    private void ApplyUnderSavepoint(SqliteSession session, WriteJob job, List<WriteJob> begun)
    {
        session.Execute("SAVEPOINT job");
        try
        {
            if (!job.Apply(session))
            {
                session.Execute("ROLLBACK TO job");
            }
        }
#pragma warning disable CA1031 // A fault of one job is that job's alone, as long as the transaction stands.
        catch (Exception fault)
#pragma warning restore CA1031
        {
            if (!session.IsInTransaction)
            {
                throw;
            }

            session.Execute("ROLLBACK TO job");
            begun.Remove(job);
            job.Fail(Named(fault));
        }

        session.Execute("RELEASE job");
    }

    private void FailGroup(List<WriteJob> begun, Exception fault)
    {
        Exception named = Named(fault);
        DropSession();
        if (begun.Count == 0 && fault is SqliteException)
        {
            // BEGIN failed, so nothing was taken: what waits keeps its place until its time is over.
            Refuse(_queue.TakeOlderThan(_clock.Elapsed - _options.CommitTimeout), named.Message);
            return;
        }

        begun.AddRange(TakeGroup(_clock.Elapsed));
        begun.ForEach(job => job.Fail(named));
    }

    private Exception Named(Exception fault) => fault switch
    {
        SqliteException sqlite => SqliteFault.AtWrite(sqlite, _file.Path, CommitOutcome.NotCommitted),

        // A store that was opened and is not there any more is away, as far as its users can tell.
        StoreOpenException or IOException when _wasOpen =>
            new StoreUnavailableException(fault.Message, CommitOutcome.NotCommitted, fault),
        _ => fault,
    };

    private void DropSession()
    {
        try
        {
            // Closing a connection rolls back what it had open.
            _session?.Dispose();
        }
        catch (SqliteException)
        {
            // The connection is given up in any case; the fault that led here is the one to tell.
        }

        _session = null;
    }

    /// <summary>Runs now and then: looks at who holds the turn while this process waits for it, and refuses what has
    /// waited too long.</summary>
    private void Watch()
    {
        if (!_waitsForTurn)
        {
            _holder.Forget();
            return;
        }

        try
        {
            _holder.Inspect(_clock.Elapsed);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException or ObjectDisposedException)
        {
            // Nobody is killed by half a look. Those who wait are refused below all the same.
        }

        IReadOnlyList<WriteJob> late = _queue.TakeOlderThan(_clock.Elapsed - _options.CommitTimeout);
        if (late.Count > 0)
        {
            Refuse(late, $"the turn to write ({_turn.Path}) is held by {_holder.Describe()}");
        }
    }

    private void Refuse(IReadOnlyList<WriteJob> jobs, string why)
    {
        foreach (WriteJob job in jobs)
        {
            job.Fail(new StoreUnavailableException(
                $"The store {_file.Path} did not take a transaction within {_options.CommitTimeout.TotalSeconds:0.#} "
                + $"s: {why}. Nothing of it was committed; send it again.",
                CommitOutcome.NotCommitted));
        }
    }
}
