// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Actors.Kernel;

/// <summary>One message at a time. Derive, keep state in fields, and share none of it.</summary>
/// <remarks>The hooks and <see cref="ReceiveAsync"/> never overlap. An <c>await</c> inside them continues on the
/// system's executor, and the next message is not taken before the returned task completes: use
/// <see cref="IActorContext.PipeToSelf{T}"/> for work the mailbox must not wait for. What they throw is decided on by
/// the parent (<see cref="SupervisionStrategy"/>) and never ends the process.</remarks>
public abstract class Actor
{
    private IActorContext? _context;

    /// <summary>The actor's surroundings. Not yet there in the constructor.</summary>
    protected IActorContext Context =>
        _context ?? throw new InvalidOperationException(
            $"{GetType().Name} used its Context in its constructor. Do so in {nameof(PreStartAsync)}.");

    /// <summary>Handles one message.</summary>
    public abstract ValueTask ReceiveAsync(object message);

    /// <summary>Runs before the first message, at the start and after each restart.</summary>
    public virtual ValueTask PreStartAsync() => ValueTask.CompletedTask;

    /// <summary>Runs after the last message, once all children have stopped.</summary>
    public virtual ValueTask PostStopAsync() => ValueTask.CompletedTask;

    /// <summary>Runs on the instance that failed, before its children are stopped and a new one is made. Does what
    /// <see cref="PostStopAsync"/> does unless overridden.</summary>
    public virtual ValueTask PreRestartAsync(Exception failure) => PostStopAsync();

    internal void Attach(IActorContext context) => _context = context;
}
