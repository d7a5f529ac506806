// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Persistence;

/// <summary>The store gave no usable answer.</summary>
public sealed class StoreUnavailableException(string message, CommitOutcome outcome, Exception? inner = null)
    : Exception(message, inner)
{
    public CommitOutcome Outcome { get; } = outcome;
}

/// <summary>What is known of a commit that got no answer.</summary>
public enum CommitOutcome
{
    NotCommitted = 1,
    Unknown = 2,
}
