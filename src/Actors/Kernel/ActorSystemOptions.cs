// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Actors.Kernel;

/// <summary>What a system takes from outside, so that a whole cluster can run on one seeded thread.</summary>
/// <param name="Executor">Runs every turn and every continuation: the thread pool's scheduler in Host.</param>
/// <param name="Clock">Drives timers, timeouts and backoff.</param>
public sealed record ActorSystemOptions(TaskScheduler Executor, TimeProvider Clock)
{
    /// <summary>Messages one actor handles before others get the executor.</summary>
    public const int MessagesPerTurnDefault = 300;

    /// <summary>Pieces of work one actor may have under way by <see cref="IActorContext.PipeToSelf{T}"/>.</summary>
    public const int PipesMax = 1024;

    /// <summary>1 in a simulation, so that every message is a point where the schedule may change.</summary>
    public int MessagesPerTurn { get; init; } = MessagesPerTurnDefault;

    public IKernelObserver? Observer { get; init; }
}
