// SPDX-License-Identifier: Apache-2.0

using KvmActors.Persistence.Journal;
using KvmActors.Persistence.Ownership;

namespace KvmActors.Actors.Cluster;

/// <summary>Decides from the fence rows whether a commit without an answer has landed. Pure.</summary>
/// <remarks>
/// <code>
/// rows are              | verdict
/// all as they were      | NotLanded: send the identical bytes again
/// all as they would be  | Landed
/// owner or epoch other  | Lost: another node has the VM
/// anything else         | Broken: a record of this epoch that this owner did not write
/// </code>
/// Landed is checked before Lost, because a hand-over that landed changes owner and epoch. A reader must hold the rows'
/// lock, else a commit that is still under way lands behind its back.
/// </remarks>
public static class CommitVerdicts
{
    public static CommitVerdict Of(StoreTransaction transaction, IReadOnlyList<StreamRow> stored)
    {
        bool landed = true;
        bool untouched = true;
        bool lost = false;
        foreach (StreamWrite write in transaction.Writes)
        {
            StreamRow? row = stored.FirstOrDefault(row => row.Stream == write.Next.Stream);
            landed &= row is not null && SamePlace(row, write.Next);
            untouched &= row is null ? write.Expected is null : write.Expected is { } before && SamePlace(row, before);
            lost |= row is not null && (row.Owner != write.Next.Owner || row.Epoch != write.Next.Epoch);
        }

        return (landed, untouched, lost) switch
        {
            (true, _, _) => CommitVerdict.Landed,
            (_, true, _) => CommitVerdict.NotLanded,
            (_, _, true) => CommitVerdict.Lost,
            _ => CommitVerdict.Broken,
        };
    }

    private static bool SamePlace(StreamRow row, StreamRow other) =>
        row.Owner == other.Owner
        && row.Epoch == other.Epoch
        && row.State == other.State
        && row.HeadSeq == other.HeadSeq
        && row.HeadHash == other.HeadHash
        && row.Migration == other.Migration;
}
