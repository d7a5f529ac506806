// SPDX-License-Identifier: Apache-2.0

using System.Runtime.CompilerServices;

namespace KvmActors.Actors.Kernel;

/// <summary>An actor's place in the tree: its address, its mailbox and its turns. Its life is in
/// <see cref="CellLife"/>.</summary>
/// <remarks>At most one turn of a cell is scheduled or runs at any time (<c>_isScheduled</c>), so that what a turn
/// touches needs no lock. A turn takes system messages before control before user messages, and ends after
/// <see cref="ActorSystemOptions.MessagesPerTurn"/> or when there is nothing to take.</remarks>
internal sealed class ActorCell : ActorRef
{
    private readonly CellLife _life;
    private EnvelopeQueue _system;
    private LaneQueue _control;
    private LaneQueue _user;
    private int _isScheduled;
    private ushort _pipes;
    private volatile bool _isInTurn;
    private List<Envelope>? _stash;
    private TimerTable? _timers;
    private Siblings _siblings;

    internal ActorCell(ActorSystem system, ActorCell? parent, string name, Props props)
    {
        System = system;
        Parent = parent;
        Name = name;
        Props = props;
        _life = new CellLife(this);
    }

    public override string Path => Parent is null ? $"/{Name}" : $"{Parent.Path}/{Name}";

    /// <summary>Its parent's alone: see <see cref="ChildTable"/>.</summary>
    internal ref Siblings Siblings => ref _siblings;

    internal ActorSystem System { get; }

    internal ActorCell? Parent { get; }

    internal string Name { get; }

    internal Props Props { get; }

    internal bool IsStopped => _life.IsStopped;

    internal bool IsGuardian => Parent is null;

    internal ChildTable? Children => _life.Children;

    internal CancellationToken StoppingToken => _life.StoppingToken;

    internal int Incarnation => _life.Incarnation;

    /// <summary>Used in the parent's turn only.</summary>
    internal RestartHistory Restarts => field ??= new RestartHistory();

    /// <summary>The message that is being handled. Only within a turn.</summary>
    internal Envelope? Current { get; private set; }

    internal TimerTable Timers => _timers ??= new TimerTable(this);

    /// <summary>Completes when the actor has stopped.</summary>
    internal Task WaitForEndAsync() => _life.WaitForEndAsync();

    public override TellResult Tell(object message, ActorRef? sender = null, Lane lane = Lane.User)
    {
        ArgumentNullException.ThrowIfNull(message);
        if (_life.IsStopped || System.IsAbandoned)
        {
            Refuse(message, sender, DeadLetterReason.RecipientStopped);
            return TellResult.Stopped;
        }

        Envelope envelope = new(message, sender, lane, EnvelopeOrigin.Told);
        bool isTaken = lane == Lane.User
            ? _user.TryPush(envelope, Props.MailboxCapacity)
            : _control.TryPush(envelope, Props.ControlCapacity);
        if (!isTaken)
        {
            Refuse(message, sender, DeadLetterReason.MailboxFull);
            return TellResult.MailboxFull;
        }

        Schedule();
        return TellResult.Accepted;
    }

    public override Task<AskResult<T>> TryAsk<T>(
        object message, TimeSpan timeout, Lane lane = Lane.User, CancellationToken cancellationToken = default) =>
        PromiseRef<T>.AskAsync(System, this, message, timeout, lane, cancellationToken);

    /// <summary>One turn, on a thread of the executor.</summary>
    internal void Execute()
    {
        // A context would take the continuations away from the executor.
        SynchronizationContext? outer = SynchronizationContext.Current;
        if (outer is not null)
        {
            SynchronizationContext.SetSynchronizationContext(null);
        }

        _ = TurnAsync();
        if (outer is not null)
        {
            SynchronizationContext.SetSynchronizationContext(outer);
        }
    }

    internal override void AddWatcher(ActorCell watcher) => PostSystem(new SystemMessage.AddWatcher(watcher));

    internal override void RemoveWatcher(ActorCell watcher) => PostSystem(new SystemMessage.RemoveWatcher(watcher));

    internal ActorCell SpawnChild(string? name, Props props) => _life.SpawnChild(name, props);

    internal void RequestStop() => _life.RequestStop();

    internal void StartWatching(ActorRef actor) => _life.StartWatching(actor);

    internal void StopWatching(ActorRef actor) => _life.StopWatching(actor);

    internal void PostSystem(SystemMessage message)
    {
        _system.Push(new Envelope(message, null, Lane.Control, EnvelopeOrigin.Own));
        Schedule();
    }

    internal void PostTerminated(ActorRef actor) => PostOwn(new Terminated(actor), actor, Lane.Control);

    /// <summary>Posts what the actor itself asked for; it is never refused.</summary>
    internal void PostOwn(object message, ActorRef? sender, Lane lane)
    {
        Envelope envelope = new(message, sender, lane, EnvelopeOrigin.Own);
        if (lane == Lane.User)
        {
            _user.Push(envelope);
        }
        else
        {
            _control.Push(envelope);
        }

        Schedule();
    }

    internal void Pipe(Task work, PipedResult result, ActorRef? sender, Lane lane)
    {
        if (_pipes >= ActorSystemOptions.PipesMax)
        {
            throw new InvalidOperationException(
                $"{Path} has {_pipes} pieces of work under way, the most allowed. Let some complete first.");
        }

        _pipes++;
        _ = PostWhenDoneAsync(work, result, sender, lane);
    }

    private async Task PostWhenDoneAsync(Task work, PipedResult result, ActorRef? sender, Lane lane)
    {
        try
        {
            await work;
        }
        catch (Exception)
        {
            // The result holds the task, and makes its exception a message.
        }

        PostOwn(result, sender, lane);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void EnsureInTurn()
    {
        if (!_isInTurn)
        {
            ThrowOutsideOfTurn();
        }
    }

    internal bool StashCurrent()
    {
        Envelope current = Current
            ?? throw new InvalidOperationException($"{Path} has no message at hand that it could stash.");
        _stash ??= [];
        if (_stash.Count >= Props.StashCapacity)
        {
            Refuse(current.Message, current.Sender, DeadLetterReason.StashFull);
            return false;
        }

        _stash.Add(new Envelope(current.Message, current.Sender, current.Lane, EnvelopeOrigin.Stashed));
        return true;
    }

    internal void UnstashAll()
    {
        for (int newest = (_stash?.Count ?? 0) - 1; newest >= 0; newest--)
        {
            Envelope envelope = _stash![newest];
            if (envelope.Lane == Lane.User)
            {
                _user.PutFirst(envelope);
            }
            else
            {
                _control.PutFirst(envelope);
            }
        }

        _stash?.Clear();
    }

    internal void CancelTimers() => _timers?.CancelAll();

    /// <summary>All that waits becomes a dead letter.</summary>
    internal void DrainToDeadLetters()
    {
        UnstashAll();
        while ((_control.Take() ?? _user.Take()) is { } envelope)
        {
            if (envelope.Origin != EnvelopeOrigin.Own)
            {
                Refuse(envelope.Message, envelope.Sender, DeadLetterReason.RecipientStopped);
                envelope.Sender?.OnUndelivered(this, TellResult.Stopped);
            }
        }
    }

    private void Schedule()
    {
        // The turn that holds the mark looks again after it has put it down: see EndTurn.
        if (Volatile.Read(ref _isScheduled) != 0)
        {
            return;
        }

        if (Interlocked.CompareExchange(ref _isScheduled, 1, 0) == 0)
        {
            System.Execute(this);
        }
    }

    private async Task TurnAsync()
    {
        _isInTurn = true;
        for (int taken = 0; taken < System.MessagesPerTurn; taken++)
        {
            if (System.IsAbandoned)
            {
                break;
            }

            if (_system.Take() is { } told)
            {
                await _life.HandleAsync((SystemMessage)told.Message);
                continue;
            }

            if (!_life.TakesMessages)
            {
                break;
            }

            if ((_control.Take() ?? _user.Take()) is not { } envelope)
            {
                break;
            }

            await DeliverAsync(envelope);
        }

        EndTurn();
    }

    private void EndTurn()
    {
        if (_life.IsStopped)
        {
            DrainToDeadLetters();
        }

        _isInTurn = false;
        Interlocked.Exchange(ref _isScheduled, 0);
        if (HasWork())
        {
            Schedule();
        }
    }

    private bool HasWork()
    {
        if (System.IsAbandoned)
        {
            return false;
        }

        if (!_system.IsEmpty)
        {
            return true;
        }

        return (_life.TakesMessages || _life.IsStopped) && !(_control.IsEmpty && _user.IsEmpty);
    }

    /// <summary>Hands over one message. Completes synchronously where the actor does, without an async frame.</summary>
    private ValueTask DeliverAsync(Envelope envelope)
    {
        ValueTask receive;
        try
        {
            Envelope? resolved = envelope.Origin == EnvelopeOrigin.Own ? Resolve(envelope) : envelope;
            if (resolved is null)
            {
                return ValueTask.CompletedTask;
            }

            if (ReferenceEquals(resolved.Message, PoisonPill.Instance))
            {
                RequestStop();
                return ValueTask.CompletedTask;
            }

            Current = resolved;
            System.Observer?.OnDelivery(this, resolved.Message, resolved.Lane);
            receive = _life.Instance.ReceiveAsync(resolved.Message);
        }
        catch (Exception failure)
        {
            receive = ValueTask.FromException(failure);
        }

        if (!receive.IsCompletedSuccessfully)
        {
            return FinishAsync(receive, envelope);
        }

        // A pooled source wants its result taken, also one that holds nothing.
        receive.GetAwaiter().GetResult();
        Current = null;
        return ValueTask.CompletedTask;
    }

    private async ValueTask FinishAsync(ValueTask receive, Envelope envelope)
    {
        try
        {
            await receive;
        }
        catch (Exception failure)
        {
            envelope.Sender?.OnRecipientFailed(this, failure);
            _life.OnReceiveFailed(failure);
        }
        finally
        {
            Current = null;
        }
    }

    /// <returns>The envelope with the message that the actor gets; null where it gets none.</returns>
    private Envelope? Resolve(Envelope envelope)
    {
        object? message = envelope.Message switch
        {
            TimerEntry tick => _timers?.Accept(tick),
            Terminated gone => _life.TakeTerminated(gone) ? gone : null,
            PipedResult piped => TakePiped(piped),
            _ => envelope.Message,
        };
        return message is null ? null : new Envelope(message, envelope.Sender, envelope.Lane, EnvelopeOrigin.Own);
    }

    private object? TakePiped(PipedResult piped)
    {
        _pipes--;
        if (piped.Incarnation == Incarnation)
        {
            return piped.ToMessage();
        }

        Refuse(piped, sender: null, DeadLetterReason.BeforeRestart);
        return null;
    }

    private void Refuse(object message, ActorRef? sender, DeadLetterReason reason) =>
        System.DeadLetters.Publish(new DeadLetter(this, sender, message, reason));

    private void ThrowOutsideOfTurn() =>
        throw new InvalidOperationException(
            $"The context of {Path} was used outside of its turn. Use it only before the returned task completes; "
            + $"for work that goes on longer there is {nameof(IActorContext.PipeToSelf)}.");
}
