// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Actors.Kernel;

/// <summary>A question without an answer, for callers that have no better idea than to give up. Others use
/// <see cref="ActorRef.TryAsk{T}"/>.</summary>
public sealed class AskException(AskOutcome outcome, string message, Exception? inner = null)
    : Exception(message, inner)
{
    public AskOutcome Outcome { get; } = outcome;
}
