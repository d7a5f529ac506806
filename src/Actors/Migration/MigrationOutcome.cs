// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Actors.Migration;

/// <summary>How a move ended, for its source.</summary>
internal abstract record MigrationOutcome
{
    private MigrationOutcome()
    {
    }

    /// <summary>The target owns the VM.</summary>
    public sealed record Moved(MigrationReport Report) : MigrationOutcome;

    /// <summary>The source owns the VM, as before.</summary>
    public sealed record NotMoved(Refusal Why) : MigrationOutcome;

    /// <summary>The source has lost the VM over it: to the target, or to a node that took it over from either. Whoever
    /// has it now knows whether the move was done.</summary>
    public sealed record Lost : MigrationOutcome;
}
