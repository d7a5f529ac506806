// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Actors.Kernel;

/// <summary>What a system takes from outside, so that a whole cluster can run on one seeded thread.</summary>
public sealed record ActorSystemOptions
{
    /// <summary>Messages one actor handles before others get the executor.</summary>
    public const int MessagesPerTurnDefault = 300;

    /// <summary>Pieces of work one actor may have under way by <see cref="IActorContext.PipeToSelf{T}"/>.</summary>
    public const int PipesMax = 1024;

    /// <summary>Runs every turn and every continuation. The thread pool by default.</summary>
    public TaskScheduler Executor { get; init; } = TaskScheduler.Default;

    /// <summary>Drives timers, timeouts and backoff.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>1 in a simulation, so that every message is a point where the schedule may change.</summary>
    public int MessagesPerTurn { get; init; } = MessagesPerTurnDefault;

    public IKernelObserver? Observer { get; init; }
}
