// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;

namespace KvmActors.Actors.Kernel;

/// <summary>A tree of actors in this process, with its executor, clock and dead letters. Any thread.</summary>
public sealed class ActorSystem : IAsyncDisposable
{
    /// <summary>How long <see cref="DisposeAsync"/> waits for actors to stop.</summary>
    public static readonly TimeSpan DisposalMax = TimeSpan.FromSeconds(10);

    private readonly ActorCell _guardian;
    private readonly TaskFactory _executor;
    private long _actors;
    private volatile bool _isAbandoned;

    public ActorSystem(string name, ActorSystemOptions options)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MessagesPerTurn, 1);
        Name = name;
        Clock = options.Clock;
        Executor = options.Executor;
        Observer = options.Observer;
        MessagesPerTurn = options.MessagesPerTurn;
        _executor = new TaskFactory(
            CancellationToken.None,
            TaskCreationOptions.DenyChildAttach,
            TaskContinuationOptions.None,
            options.Executor);
        _guardian = new ActorCell(this, null, ActorPath.Root, Props.Of(static () => new Guardian()));
        _guardian.PostSystem(new SystemMessage.Start());
    }

    public string Name { get; }

    public TimeProvider Clock { get; }

    /// <summary>Runs every turn, and every continuation of an <c>await</c> in an actor.</summary>
    public TaskScheduler Executor { get; }

    public DeadLetters DeadLetters { get; } = new();

    /// <summary>Actors that have not yet stopped.</summary>
    public long ActorCount => Interlocked.Read(ref _actors);

    internal IKernelObserver? Observer { get; }

    internal int MessagesPerTurn { get; }

    internal bool IsAbandoned => _isAbandoned;

    /// <summary>Makes a top-level actor, "/user/NAME".</summary>
    /// <exception cref="InvalidOperationException">The name is taken by an actor that has not yet stopped, or the
    /// system is shutting down.</exception>
    public ActorRef Spawn(string name, Props props)
    {
        ArgumentNullException.ThrowIfNull(name);
        return _guardian.SpawnChild(name, props);
    }

    /// <summary>Makes a top-level actor with a name of the system's choice, "/user/$1".</summary>
    public ActorRef SpawnAnonymous(Props props) => _guardian.SpawnChild(null, props);

    /// <returns>The actor at <paramref name="path"/>, "/user/vm/web", if it has not yet stopped.</returns>
    public ActorRef? Find(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        string[] names = path.Split('/');
        if (names.Length < 3 || names[0].Length != 0 || names[1] != ActorPath.Root)
        {
            return null;
        }

        ActorCell? found = _guardian;
        for (int depth = 2; depth < names.Length; depth++)
        {
            found = found?.Children?.Find(names[depth]);
        }

        return found;
    }

    /// <summary>Stops an actor and its children, and waits for it.</summary>
    /// <returns>False where it had not stopped within <paramref name="timeout"/>; it still will.</returns>
    public async Task<bool> StopAsync(ActorRef actor, TimeSpan timeout)
    {
        if (actor is not ActorCell cell)
        {
            throw new ArgumentException($"{actor} is no actor that could be stopped.", nameof(actor));
        }

        cell.RequestStop();
        return await EndsWithinAsync(cell.WaitForEndAsync(), timeout);
    }

    /// <summary>Stops all actors, children before parents. No new ones are taken.</summary>
    /// <returns>After <paramref name="timeout"/> at the latest.</returns>
    public async Task<ShutdownResult> ShutdownAsync(TimeSpan timeout)
    {
        _guardian.RequestStop();
        if (await EndsWithinAsync(_guardian.WaitForEndAsync(), timeout))
        {
            return new ShutdownResult([]);
        }

        ImmutableArray<string>.Builder running = ImmutableArray.CreateBuilder<string>();
        AddPaths(_guardian, running);
        return new ShutdownResult(running.ToImmutable());
    }

    /// <summary>Ends everything at once, with no hook and no message, as if the process had died: from here on no turn
    /// begins and every Tell is refused. For simulated crashes. A turn that awaits is cut off only if its executor
    /// drops it.</summary>
    public void Abandon() => _isAbandoned = true;

    /// <summary>As <see cref="ShutdownAsync"/>, with <see cref="DisposalMax"/>.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!_isAbandoned)
        {
            await ShutdownAsync(DisposalMax);
        }
    }

    public override string ToString() => Name;

    internal void CountActor(int change) => Interlocked.Add(ref _actors, change);

    internal void Report(KernelEvent happened)
    {
        try
        {
            Observer?.OnEvent(happened);
        }
        catch (Exception)
        {
            // An observer is told not to throw. An actor must not pay for one that does.
        }
    }

    internal void Execute(ActorCell cell) =>
        _ = _executor.StartNew(static state => ((ActorCell)state!).Execute(), cell);

    private static void AddPaths(ActorCell parent, ImmutableArray<string>.Builder paths)
    {
        foreach (ActorCell child in parent.Children?.ToArray() ?? [])
        {
            paths.Add(child.Path);
            AddPaths(child, paths);
        }
    }

    private async Task<bool> EndsWithinAsync(Task end, TimeSpan timeout)
    {
        try
        {
            await end.WaitAsync(timeout, Clock);
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
    }

    /// <summary>The parent of all top-level actors. What escalates up to here ends here.</summary>
    private sealed class Guardian : Actor
    {
        public override ValueTask ReceiveAsync(object message) => ValueTask.CompletedTask;
    }
}
