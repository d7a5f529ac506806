// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Actors.Kernel;

/// <summary>How to make an actor and how to treat it: everything its parent decides about it at birth.</summary>
/// <param name="Factory">Makes a new instance at the start and at each restart. Called in the actor's own turn; what it
/// throws is a failure of the actor.</param>
public sealed record Props(Func<Actor> Factory)
{
    /// <summary>User messages one actor may have waiting, unless its props say otherwise.</summary>
    public const int MailboxCapacityDefault = 1024;

    /// <summary>Control messages one actor may have waiting, unless its props say otherwise.</summary>
    public const int ControlCapacityDefault = 256;

    /// <summary>User messages that may wait. The next one is refused, and its sender told.</summary>
    public int MailboxCapacity { get; init; } = MailboxCapacityDefault;

    /// <summary>Control messages that may wait. An actor's own timers, piped results and <see cref="Terminated"/> do
    /// not count: each is bounded by what the actor itself asked for.</summary>
    public int ControlCapacity { get; init; } = ControlCapacityDefault;

    /// <summary>Messages that may be stashed.</summary>
    public int StashCapacity { get; init; } = MailboxCapacityDefault;

    /// <summary>What the parent does when this actor fails.</summary>
    public SupervisionStrategy Supervision { get; init; } = SupervisionStrategy.Default;

    /// <summary>Props for an actor that <paramref name="factory"/> makes, with all else as by default.</summary>
    public static Props Of(Func<Actor> factory) => new(factory);
}
