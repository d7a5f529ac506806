// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Actors.Migration;

/// <summary>The phases of a planned move, in order.</summary>
public enum MigrationPhase
{
    /// <summary>Pre-flight: the target says whether it can host the VM. Nothing is journaled.</summary>
    Offer = 1,

    /// <summary>MigrationStarted is committed; the rows are Moving.</summary>
    Begin = 2,

    /// <summary>Memory is sent while the guest runs.</summary>
    PreCopy = 3,

    /// <summary>The guest stands still; all it did is durable.</summary>
    Pause = 4,

    /// <summary>What changed since, and the state; the target verifies both.</summary>
    StopAndCopy = 5,

    /// <summary>The target commits the change of owner. From here on only the rows know who has the VM.</summary>
    HandOver = 6,
}
