// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Kernel;
using KvmActors.Persistence;
using KvmActors.Persistence.Journal;
using KvmActors.TestKit.Simulation;

namespace KvmActors.Simulation.Tests.Mutations;

/// <summary>Says that an append is durable, and sends it 30 ms later.</summary>
internal sealed class WriteBehindStore(SimulatedCluster cluster, IStore inner) : DelegatingStore(inner)
{
    public override ValueTask<CommitResult> CommitAsync(
        StoreTransaction transaction, CancellationToken cancellationToken)
    {
        bool isAppend = transaction.Writes.All(write => write.Expected?.Epoch == write.Next.Epoch);
        if (!isAppend)
        {
            return Inner.CommitAsync(transaction, cancellationToken);
        }

        _ = SendAsync(transaction);
        return ValueTask.FromResult<CommitResult>(new CommitResult.Committed());
    }

    private async Task SendAsync(StoreTransaction transaction)
    {
        await cluster.World.Time.DelayAsync(TimeSpan.FromMilliseconds(30));
        try
        {
            await Inner.CommitAsync(transaction, CancellationToken.None);
        }
        catch (StoreUnavailableException)
        {
            // Lost, and nobody hears of it: that is what is tried here.
        }
    }
}
