// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Actors.Cluster;

/// <summary>A call to another node has no reply.</summary>
public sealed class LinkException(string message, LinkOutcome outcome, Exception? inner = null)
    : Exception(message, inner)
{
    public LinkOutcome Outcome { get; } = outcome;
}
