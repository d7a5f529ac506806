// SPDX-License-Identifier: Apache-2.0

using KvmActors.Persistence;

namespace KvmActors.Actors.Migration;

/// <summary>The target's answer to a <see cref="MigrationMessage"/>.</summary>
public abstract record MigrationAnswer
{
    private MigrationAnswer()
    {
    }

    /// <param name="Epoch">The VM's epoch as the target knows it; after a hand-over the new one.</param>
    public sealed record Accepted(Epoch Epoch) : MigrationAnswer;

    public sealed record Refused(Refusal Why) : MigrationAnswer;
}
