// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Actors.Kernel;

/// <summary>What most actors never need, so that an idle one does not pay for it: watches, and restarts. Used in the
/// cell's turn only.</summary>
internal sealed class CellTies
{
    /// <summary>Who hears of this actor's end.</summary>
    public OrderedSet<ActorCell> Watchers { get; } = new();

    /// <summary>Whose end this actor hears of.</summary>
    public OrderedSet<ActorRef> Watching { get; } = new();

    /// <summary>Counts the restarts.</summary>
    public int Incarnation { get; set; }

    /// <summary>How long the restart under way waits.</summary>
    public TimeSpan Backoff { get; set; }

    public ITimer? BackoffTimer { get; set; }
}
