// SPDX-License-Identifier: Apache-2.0

using KvmActors.Persistence;
using KvmActors.Persistence.Events;
using KvmActors.Persistence.Journal;

namespace KvmActors.TestKit.Simulation.Invariants;

/// <summary>I8: messages of an old epoch change nothing: a hand-over is of the move that the row names.</summary>
internal sealed class OldEpochsInvariant(ClusterLedger ledger)
    : Invariant("I8", "a hand-over is of the migration and epoch that the row names")
{
    public override void OnCommit(NodeId? writer, StoreTransaction transaction)
    {
        foreach (JournalRecord record in transaction.Writes.SelectMany(write => write.Records))
        {
            if (record.Kind == EventKind.HandedOff
                && ledger.Row(record.Stream) is { } row
                && ((JournalEvent.HandedOff)EventCodec.Decode(record)).Migration != row.Migration)
            {
                Break($"{writer} took {record.Stream} by another migration than \"{row.Migration}\".");
            }
        }
    }
}
