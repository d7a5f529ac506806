// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Actors.Kernel;

/// <summary>What an actor may do besides computing. Only for use inside the actor's own turn: inside its hooks and
/// <see cref="Actor.ReceiveAsync"/>, also behind an <c>await</c> there.</summary>
public interface IActorContext
{
    ActorRef Self { get; }

    /// <summary>Null for a top-level actor.</summary>
    ActorRef? Parent { get; }

    /// <summary>Who sent the current message; null where nobody said.</summary>
    ActorRef? Sender { get; }

    ActorSystem System { get; }

    /// <summary>Keyed timers of this actor, gone when it stops or restarts.</summary>
    IActorTimers Timers { get; }

    /// <summary>Children that have not yet stopped, in the order of their birth.</summary>
    IReadOnlyList<ActorRef> Children { get; }

    /// <summary>Cancelled as soon as this actor is asked to stop, or is restarted: pass it to what is
    /// awaited.</summary>
    CancellationToken Stopping { get; }

    /// <summary>Makes a child. It starts in a turn of its own.</summary>
    /// <exception cref="InvalidOperationException">The name is taken by a child that has not yet stopped, or this actor
    /// is stopping.</exception>
    ActorRef Spawn(string name, Props props);

    /// <returns>The child of that name, if it has not yet stopped.</returns>
    ActorRef? Child(string name);

    /// <summary>Answers the current message. Without a sender the answer is a dead letter.</summary>
    TellResult Reply(object message);

    /// <summary>Asks this actor or a descendant to stop. It finishes the message it is at, stops its children and runs
    /// <see cref="Actor.PostStopAsync"/>; messages still waiting are dead letters.</summary>
    void Stop(ActorRef actor);

    /// <summary>Sends this actor one <see cref="Terminated"/> once <paramref name="actor"/> has stopped; at once if it
    /// has already. Watching twice is watching once.</summary>
    void Watch(ActorRef actor);

    /// <summary>After this call no <see cref="Terminated"/> of <paramref name="actor"/> arrives, even if it already
    /// waits.</summary>
    void Unwatch(ActorRef actor);

    /// <summary>Lets <paramref name="work"/> go on outside of the mailbox; its outcome comes back as a message with the
    /// present <see cref="Sender"/>. It is never refused.</summary>
    /// <param name="success">From the result to a message. Runs in this actor's turn, as does
    /// <paramref name="failure"/>, so both may use its state.</param>
    /// <param name="lane">Control by default: an actor's own work comes before others' requests.</param>
    /// <remarks>Results of work from before a restart are dead letters.</remarks>
    /// <exception cref="InvalidOperationException">More than <see cref="ActorSystemOptions.PipesMax"/> are under
    /// way.</exception>
    void PipeToSelf<T>(
        Task<T> work, Func<T, object> success, Func<Exception, object> failure, Lane lane = Lane.Control);

    /// <summary>As <see cref="PipeToSelf{T}"/>, for work without a result.</summary>
    void PipeToSelf(
        Task work, Func<object> success, Func<Exception, object> failure, Lane lane = Lane.Control);

    /// <summary>Puts the current message aside, with its sender, until <see cref="UnstashAll"/>.</summary>
    /// <returns>False where the stash is full: the message is a dead letter, and its sender should be told.</returns>
    bool Stash();

    /// <summary>Puts all stashed messages in front of those that wait, in the order they came. A restart does the
    /// same.</summary>
    void UnstashAll();
}
