// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Actors.Kernel;

/// <summary>An actor's life in its cell: start, failure, restart, stop, children and watches. See
/// <see cref="CellStatus"/>. Runs in the cell's turn, but for what says otherwise.</summary>
internal sealed class CellLife(ActorCell cell)
{
    private volatile CellStatus _status;
    private int _isStopRequested;
    private ActorContext? _context;
    private Actor? _instance;
    private ChildTable? _children;
    private CellTies? _ties;
    private CancellationTokenSource? _stopping;
    private Completion<bool>? _end;

    internal Actor Instance => _instance!;

    internal ChildTable? Children => Volatile.Read(ref _children);

    /// <summary>Counts the restarts.</summary>
    internal int Incarnation => _ties?.Incarnation ?? 0;

    private CellTies Ties => _ties ??= new CellTies();

    internal bool TakesMessages => _status == CellStatus.Running;

    internal bool IsStopped => _status == CellStatus.Stopped;

    /// <summary>Any thread.</summary>
    internal CancellationToken StoppingToken
    {
        get
        {
            CancellationTokenSource source = Ensure(ref _stopping);
            if (Volatile.Read(ref _isStopRequested) != 0)
            {
                source.Cancel();
            }

            return source.Token;
        }
    }

    /// <summary>Completes when the actor has stopped. Any thread.</summary>
    internal Task WaitForEndAsync()
    {
        Completion<bool> end = Ensure(ref _end);
        if (IsStopped)
        {
            end.TrySet(true);
        }

        return end.WaitAsync();
    }

    internal ActorCell SpawnChild(string? name, Props props)
    {
        ArgumentNullException.ThrowIfNull(props);
        ActorPath.Check(name);
        ActorCell child = Ensure(ref _children).Add(cell, name, props);
        cell.System.CountActor(1);
        child.PostSystem(new SystemMessage.Start());
        return child;
    }

    /// <summary>Any thread.</summary>
    internal void RequestStop()
    {
        if (Interlocked.Exchange(ref _isStopRequested, 1) != 0)
        {
            return;
        }

        cell.PostSystem(new SystemMessage.Stop());
        Volatile.Read(ref _stopping)?.Cancel();
    }

    internal void StartWatching(ActorRef actor)
    {
        if (Ties.Watching.Add(actor))
        {
            actor.AddWatcher(cell);
        }
    }

    internal void StopWatching(ActorRef actor)
    {
        if (_ties?.Watching.Remove(actor) == true)
        {
            actor.RemoveWatcher(cell);
        }
    }

    /// <returns>Whether the actor still wants to hear of it.</returns>
    internal bool TakeTerminated(Terminated gone) => _ties?.Watching.Remove(gone.Actor) == true;

    internal void OnReceiveFailed(Exception failure)
    {
        // A wait that ended because the actor is to stop is what its token is for.
        if (failure is OperationCanceledException && Volatile.Read(ref _isStopRequested) != 0)
        {
            return;
        }

        Fail(failure);
    }

    /// <summary>Never throws: what a strategy throws is a failure of the parent it decides for.</summary>
    internal async ValueTask HandleAsync(SystemMessage message)
    {
        try
        {
            await ApplyAsync(message);
        }
        catch (Exception failure)
        {
            Fail(failure);
        }
    }

    private async ValueTask ApplyAsync(SystemMessage message)
    {
        switch (message)
        {
            case SystemMessage.Start:
                await StartAsync();
                break;
            case SystemMessage.Stop:
                await BeginStopAsync();
                break;
            case SystemMessage.Resume:
                Resume();
                break;
            case SystemMessage.Restart restart:
                await BeginRestartAsync(restart);
                break;
            case SystemMessage.BackoffOver over:
                await EndBackoffAsync(over);
                break;
            case SystemMessage.ChildFailed failed:
                OnChildFailed(failed);
                break;
            case SystemMessage.ChildStopped stopped:
                await OnChildStoppedAsync(stopped.Child);
                break;
            case SystemMessage.AddWatcher watch:
                AddWatcher(watch.Watcher);
                break;
            case SystemMessage.RemoveWatcher unwatch:
                _ties?.Watchers.Remove(unwatch.Watcher);
                break;
        }
    }

    private static T Ensure<T>(ref T? field)
        where T : class, new() =>
        Volatile.Read(ref field) ?? Interlocked.CompareExchange(ref field, new T(), null) ?? field;

    private void AddWatcher(ActorCell watcher)
    {
        if (IsStopped)
        {
            watcher.PostTerminated(cell);
            return;
        }

        Ties.Watchers.Add(watcher);
    }

    private async ValueTask StartAsync()
    {
        if (Volatile.Read(ref _isStopRequested) != 0)
        {
            return;
        }

        _status = CellStatus.Starting;
        try
        {
            _instance = cell.Props.Factory();
            _instance.Attach(_context ??= new ActorContext(cell));
            await _instance.PreStartAsync();
            _status = CellStatus.Running;
            cell.System.Report(new KernelEvent.Started(cell.Path, Incarnation));
        }
        catch (Exception failure)
        {
            OnReceiveFailed(failure);
        }
    }

    private void Fail(Exception failure)
    {
        cell.System.Report(new KernelEvent.Failed(cell.Path, failure));
        if (cell.Parent is null || _status is not (CellStatus.Starting or CellStatus.Running))
        {
            return;
        }

        bool hasStarted = _status == CellStatus.Running;
        _status = CellStatus.Suspended;
        cell.Parent.PostSystem(new SystemMessage.ChildFailed(cell, failure, hasStarted));
    }

    private void OnChildFailed(SystemMessage.ChildFailed failed)
    {
        if (Children?.Contains(failed.Child) != true)
        {
            return;
        }

        if (Supervision.Apply(failed) is { } escalated)
        {
            Fail(escalated);
        }
    }

    private void Resume()
    {
        if (_status == CellStatus.Suspended)
        {
            _status = CellStatus.Running;
        }
    }

    private async ValueTask BeginRestartAsync(SystemMessage.Restart restart)
    {
        if (_status != CellStatus.Suspended)
        {
            return;
        }

        _status = CellStatus.Restarting;
        Ties.Backoff = restart.Backoff;
        EndIncarnation();
        if (_instance is not null)
        {
            await GuardAsync(_instance.PreRestartAsync, restart.Cause);
            _instance = null;
        }

        await StopChildrenAsync();
    }

    private async ValueTask BeginStopAsync()
    {
        if (_status is CellStatus.Stopping or CellStatus.Stopped)
        {
            return;
        }

        _status = CellStatus.Stopping;
        _ties?.BackoffTimer?.Dispose();
        cell.CancelTimers();
        Children?.Close();
        await StopChildrenAsync();
    }

    private async ValueTask StopChildrenAsync()
    {
        foreach (ActorCell child in Children?.ToArray() ?? [])
        {
            child.RequestStop();
        }

        await OnChildrenGoneAsync();
    }

    private async ValueTask OnChildStoppedAsync(ActorCell child)
    {
        if (Children?.Remove(child) == true)
        {
            await OnChildrenGoneAsync();
        }
    }

    /// <summary>Both a restart and a stop wait here until the last child is gone.</summary>
    private async ValueTask OnChildrenGoneAsync()
    {
        if (Children is { IsEmpty: false })
        {
            return;
        }

        if (_status == CellStatus.Stopping)
        {
            await FinishStopAsync();
        }
        else if (_status == CellStatus.Restarting && Ties.BackoffTimer is null)
        {
            await BeginBackoffAsync();
        }
    }

    private async ValueTask BeginBackoffAsync()
    {
        Ties.Incarnation++;
        if (Ties.Backoff <= TimeSpan.Zero)
        {
            await StartNextAsync();
            return;
        }

        SystemMessage over = new SystemMessage.BackoffOver(Incarnation);
        Ties.BackoffTimer = cell.System.Clock.CreateTimer(
            _ => cell.PostSystem(over), null, Ties.Backoff, Timeout.InfiniteTimeSpan);
    }

    private async ValueTask EndBackoffAsync(SystemMessage.BackoffOver over)
    {
        if (_status == CellStatus.Restarting && over.Incarnation == Incarnation)
        {
            await StartNextAsync();
        }
    }

    private async ValueTask StartNextAsync()
    {
        Ties.BackoffTimer?.Dispose();
        Ties.BackoffTimer = null;
        cell.UnstashAll();
        await StartAsync();
    }

    private async ValueTask FinishStopAsync()
    {
        if (_instance is not null)
        {
            await GuardAsync(static (instance) => instance.PostStopAsync(), _instance);
            _instance = null;
        }

        EndIncarnation();
        _status = CellStatus.Stopped;
        cell.DrainToDeadLetters();
        if (!cell.IsGuardian)
        {
            cell.System.CountActor(-1);
        }

        cell.System.Report(new KernelEvent.Stopped(cell.Path));
        foreach (ActorCell watcher in _ties?.Watchers.ToArray() ?? [])
        {
            watcher.PostTerminated(cell);
        }

        _ties = null;
        cell.Parent?.PostSystem(new SystemMessage.ChildStopped(cell));
        Volatile.Read(ref _end)?.TrySet(true);
    }

    /// <summary>What belongs to one instance ends with it: timers, watches, and the token of what it awaits.</summary>
    private void EndIncarnation()
    {
        cell.CancelTimers();
        foreach (ActorRef watched in _ties?.Watching.ToArray() ?? [])
        {
            StopWatching(watched);
        }

        // Not disposed of: another thread may just be asking this actor to stop, and it holds nothing but memory.
        Interlocked.Exchange(ref _stopping, null)?.Cancel();
    }

    /// <summary>A hook on the way out may fail, but the way goes on.</summary>
    private async ValueTask GuardAsync<T>(Func<T, ValueTask> hook, T argument)
    {
        try
        {
            await hook(argument);
        }
        catch (Exception failure)
        {
            cell.System.Report(new KernelEvent.Failed(cell.Path, failure));
        }
    }
}
