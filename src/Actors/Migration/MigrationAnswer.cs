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
    public sealed record Accepted(Epoch Epoch) : MigrationAnswer
    {
        /// <summary>The target's own work, by its clock: the check of the copy, or the commit of the
        /// hand-over.</summary>
        public TimeSpan Took { get; init; }

        /// <summary>Behind the commit of the hand-over, until the guest ran.</summary>
        public TimeSpan Start { get; init; }
    }

    public sealed record Refused(Refusal Why) : MigrationAnswer;

    /// <param name="Missing">All that keeps the target from hosting the VM.</param>
    public sealed record Checked(ImmutableArray<Refusal> Missing) : MigrationAnswer;
}
