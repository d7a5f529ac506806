// SPDX-License-Identifier: Apache-2.0

using KvmActors.Persistence;
using KvmActors.Persistence.Journal;
using KvmActors.Persistence.Ownership;

namespace KvmActors.TestKit.Simulation.Invariants;

/// <summary>I1: streams have no gap, epochs never fall, each has one node, and the hash chain holds.</summary>
internal sealed class JournalInvariant(ClusterLedger ledger)
    : Invariant("I1", "only the owner writes, without a gap, and it changes by hand-over or by a claim from the dead")
{
    public override void OnCommit(NodeId? writer, StoreTransaction transaction)
    {
        foreach (StreamWrite write in transaction.Writes)
        {
            if (WhatIsWrong(writer, write, transaction.Takeover) is { } wrong)
            {
                Break(wrong);
            }
        }
    }

    private string? WhatIsWrong(NodeId? writer, StreamWrite write, TakeoverClaim? takeover)
    {
        StreamRow next = write.Next;
        if (ledger.Row(next.Stream) is not { } before)
        {
            return next.Epoch == Epoch.First && next.Owner == writer
                ? WrongChain(write, 0, Digest.Zero)
                : $"{next.Stream} was created by {writer} for {next.Owner} under epoch {next.Epoch}.";
        }

        if (!MayWrite(writer, before, next, takeover))
        {
            return $"{writer} wrote to {next.Stream}, which {before.Owner} owns under epoch {before.Epoch} "
                + $"({before.State}, migration \"{before.Migration}\" to \"{before.Target}\"), "
                + $"and left it to {next.Owner} under epoch {next.Epoch}.";
        }

        JournalRecord? stale = write.Records.FirstOrDefault(
            record => record.Epoch < before.Epoch || next.Epoch < record.Epoch);
        return stale is not null
            ? $"A record of {next.Stream} under epoch {stale.Epoch} was written while it was {before.Epoch}."
            : WrongChain(write, before.HeadSeq, before.HeadHash);
    }

    private bool MayWrite(NodeId? writer, StreamRow before, StreamRow next, TakeoverClaim? takeover)
    {
        if (next.Owner is null)
        {
            // Into quarantine, by its owner or by whoever knows that the store lost something; or out of it.
            return next.Epoch == before.Epoch
                && (next.State == StreamRowState.Quarantined || before.State == StreamRowState.Quarantined);
        }

        if (next.Epoch == before.Epoch)
        {
            return before.Owner == writer && next.Owner == writer;
        }

        bool isHandOver = before.State == StreamRowState.Moving && before.Target == writer;
        bool isClaim = takeover is not null && (before.Owner is not { } owner || ledger.IsDead(owner));
        return next.Owner == writer && next.Epoch == before.Epoch.Next && (isHandOver || isClaim);
    }

    private static string? WrongChain(StreamWrite write, ulong seq, Digest hash)
    {
        foreach (JournalRecord record in write.Records)
        {
            if (record.Seq != seq + 1 || record.Hash != HashChain.Next(hash, record))
            {
                return $"Record {record.Seq} of {record.Stream} does not follow record {seq}.";
            }

            (seq, hash) = (record.Seq, record.Hash);
        }

        return write.Next.HeadSeq == seq && write.Next.HeadHash == hash
            ? null
            : $"The row of {write.Next.Stream} says {write.Next.HeadSeq}, and its last record is {seq}.";
    }
}
