// SPDX-License-Identifier: Apache-2.0

using KvmActors.Persistence;
using KvmActors.Persistence.Events;
using KvmActors.Persistence.Journal;
using KvmActors.TestKit.Simulation;

namespace KvmActors.Simulation.Tests.Mutations;

/// <summary>Says that the abort of a move has landed, whatever the rows say.</summary>
internal sealed class AbortingStore(IStore inner) : DelegatingStore(inner)
{
    public override async ValueTask<CommitResult> CommitAsync(
        StoreTransaction transaction, CancellationToken cancellationToken)
    {
        CommitResult result = await Inner.CommitAsync(transaction, cancellationToken);
        bool isAbort = transaction.Writes.Any(
            write => write.Records.Any(record => record.Kind == EventKind.MigrationAborted));
        return isAbort ? new CommitResult.Committed() : result;
    }
}
