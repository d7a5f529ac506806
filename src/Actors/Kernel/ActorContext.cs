// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Actors.Kernel;

/// <summary>What an actor sees of its cell.</summary>
internal sealed class ActorContext(ActorCell cell) : IActorContext
{
    public ActorRef Self => cell;

    public ActorRef? Parent => cell.Parent is { IsGuardian: false } parent ? parent : null;

    public ActorRef? Sender
    {
        get
        {
            cell.EnsureInTurn();
            return cell.Current?.Sender;
        }
    }

    public ActorSystem System => cell.System;

    public IActorTimers Timers => cell.Timers;

    public IReadOnlyList<ActorRef> Children => cell.Children?.ToArray() ?? [];

    public CancellationToken Stopping => cell.StoppingToken;

    public ActorRef Spawn(string name, Props props)
    {
        cell.EnsureInTurn();
        return cell.SpawnChild(name, props);
    }

    public ActorRef? Child(string name) => cell.Children?.Find(name);

    public TellResult Reply(object message)
    {
        ActorRef? sender = Sender;
        if (sender is not null)
        {
            return sender.Tell(message, cell);
        }

        System.DeadLetters.Publish(new DeadLetter(null, cell, message, DeadLetterReason.NoSender));
        return TellResult.Stopped;
    }

    public void Stop(ActorRef actor)
    {
        if (actor is not ActorCell target)
        {
            throw new ArgumentException($"{actor} is no actor that could be stopped.", nameof(actor));
        }

        for (ActorCell? above = target; !ReferenceEquals(above, cell); above = above.Parent)
        {
            if (above is null)
            {
                throw new ArgumentException(
                    $"{cell.Path} may stop itself and its descendants, and {actor} is neither.", nameof(actor));
            }
        }

        target.RequestStop();
    }

    public void Watch(ActorRef actor)
    {
        cell.EnsureInTurn();
        if (ReferenceEquals(actor, cell))
        {
            throw new ArgumentException($"{cell.Path} cannot watch itself.", nameof(actor));
        }

        cell.StartWatching(actor);
    }

    public void Unwatch(ActorRef actor)
    {
        cell.EnsureInTurn();
        cell.StopWatching(actor);
    }

    public void PipeToSelf<T>(
        Task<T> work, Func<T, object> success, Func<Exception, object> failure, Lane lane = Lane.Control)
    {
        ArgumentNullException.ThrowIfNull(work);
        cell.EnsureInTurn();
        PipedWork<T> result = new(cell.Incarnation, work, success, failure);
        cell.Pipe(work, result, Sender, lane);
    }

    public void PipeToSelf(
        Task work, Func<object> success, Func<Exception, object> failure, Lane lane = Lane.Control)
    {
        ArgumentNullException.ThrowIfNull(work);
        PipeToSelf(WithResultAsync(work), _ => success(), failure, lane);
    }

    public bool Stash()
    {
        cell.EnsureInTurn();
        return cell.StashCurrent();
    }

    public void UnstashAll()
    {
        cell.EnsureInTurn();
        cell.UnstashAll();
    }

    private static async Task<bool> WithResultAsync(Task work)
    {
        await work;
        return true;
    }
}
