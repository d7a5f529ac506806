// SPDX-License-Identifier: Apache-2.0

using KvmActors.Persistence;
using KvmActors.Persistence.Journal;
using KvmActors.TestKit.Simulation;

namespace KvmActors.Simulation.Tests.Mutations;

/// <summary>Makes up what became of a commit without an answer.</summary>
internal sealed class TrustingStore(IStore inner, bool asCommitted) : DelegatingStore(inner)
{
    public override async ValueTask<CommitResult> CommitAsync(
        StoreTransaction transaction, CancellationToken cancellationToken)
    {
        try
        {
            return await Inner.CommitAsync(transaction, cancellationToken);
        }
        catch (StoreUnavailableException failure) when (failure.Outcome == CommitOutcome.Unknown)
        {
            return asCommitted
                ? new CommitResult.Committed()
                : throw new StoreUnavailableException(failure.Message, CommitOutcome.NotCommitted, failure);
        }
    }
}
