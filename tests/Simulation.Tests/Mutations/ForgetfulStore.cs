// SPDX-License-Identifier: Apache-2.0

using KvmActors.Persistence;
using KvmActors.Persistence.Journal;
using KvmActors.TestKit.Simulation;

namespace KvmActors.Simulation.Tests.Mutations;

/// <summary>Keeps no reply, and finds none.</summary>
internal sealed class ForgetfulStore(IStore inner) : DelegatingStore(inner)
{
    public override ValueTask<DedupEntry?> FindReplyAsync(
        StreamId stream, CommandId command, CancellationToken cancellationToken) =>
        ValueTask.FromResult<DedupEntry?>(null);

    public override ValueTask<CommitResult> CommitAsync(
        StoreTransaction transaction, CancellationToken cancellationToken) =>
        Inner.CommitAsync(transaction with { Dedup = null }, cancellationToken);
}
