// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Actors.Kernel;

/// <summary>The address of an actor of this process. Any thread may use it, also after the actor has stopped. Two
/// references are equal if they are the same object: a new actor under an old name has a new reference.</summary>
public abstract class ActorRef
{
    private protected ActorRef()
    {
    }

    /// <summary>Where the actor stands in the tree: "/user/vm/web".</summary>
    public abstract string Path { get; }

    /// <summary>Puts a message into the mailbox and returns at once. Never throws for the receiver's sake.</summary>
    /// <param name="message">Not to be changed afterwards by anyone: messages are immutable.</param>
    /// <param name="sender">Whom the receiver finds in <see cref="IActorContext.Sender"/>. In an actor:
    /// Context.Self.</param>
    public abstract TellResult Tell(object message, ActorRef? sender = null, Lane lane = Lane.User);

    /// <summary>Sends a question and completes with the first answer the receiver gives to its sender.</summary>
    /// <remarks>The outcome of a question that timed out is unknown: it may still be handled.</remarks>
    /// <exception cref="AskException">No answer; <see cref="AskException.Outcome"/> says why.</exception>
    /// <exception cref="OperationCanceledException">The caller gave up waiting.</exception>
    public async Task<T> Ask<T>(
        object message, TimeSpan timeout, Lane lane = Lane.User, CancellationToken cancellationToken = default)
    {
        AskResult<T> result = await TryAsk<T>(message, timeout, lane, cancellationToken);
        return result.ValueOrThrow();
    }

    /// <summary>As <see cref="Ask{T}"/>, but what may well happen (refused, timed out, failed) is a result.</summary>
    /// <exception cref="OperationCanceledException">The caller gave up waiting.</exception>
    public abstract Task<AskResult<T>> TryAsk<T>(
        object message, TimeSpan timeout, Lane lane = Lane.User, CancellationToken cancellationToken = default);

    public override string ToString() => Path;

    /// <summary>A message this reference is the sender of will never be handled.</summary>
    internal virtual void OnUndelivered(ActorRef recipient, TellResult reason)
    {
    }

    /// <summary>The recipient threw while it handled a message this reference is the sender of.</summary>
    internal virtual void OnRecipientFailed(ActorRef recipient, Exception failure)
    {
    }

    /// <summary>The watcher gets one <see cref="Terminated"/> once this is stopped, at once if it is already.</summary>
    internal virtual void AddWatcher(ActorCell watcher) => watcher.PostTerminated(this);

    internal virtual void RemoveWatcher(ActorCell watcher)
    {
    }
}
