// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
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

    /// <param name="Missing">All that keeps the target from hosting the VM.</param>
    public sealed record Checked(ImmutableArray<Refusal> Missing) : MigrationAnswer;
}
