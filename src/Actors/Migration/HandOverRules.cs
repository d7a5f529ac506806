// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Actors.Vm;
using KvmActors.Persistence;
using KvmActors.Persistence.Ownership;
using KvmActors.Persistence.Snapshots;

namespace KvmActors.Actors.Migration;

/// <summary>Whether a target may take a VM over, by its rows. Pure; the commit compares the same rows again.</summary>
public static class HandOverRules
{
    /// <param name="heads">Where the source's journal ended when its guest stood still.</param>
    public static Refusal? WhyNot(VmRows rows, MigrationKey key, NodeId self, ImmutableArray<StreamHead> heads)
    {
        foreach (StreamRow row in rows.All)
        {
            bool isMoving = row.State == StreamRowState.Moving
                && row.Owner == key.Source
                && row.Epoch == key.Epoch
                && row.Migration == key.Migration
                && row.Target == self;
            if (!isMoving)
            {
                return new Refusal(
                    RefusalKind.State,
                    $"{row.Stream} to be moved from {key.Source} under epoch {key.Epoch} to {self} by {key.Migration}",
                    $"it {row.State}, with {row.Owner} under epoch {row.Epoch}, migration \"{row.Migration}\"",
                    "Look at: vm show.");
            }

            StreamHead? head = heads.Select(head => (StreamHead?)head)
                .FirstOrDefault(head => head!.Value.Stream == row.Stream);
            if (head is null || head.Value.Seq != row.HeadSeq || head.Value.Hash != row.HeadHash)
            {
                return new Refusal(
                    RefusalKind.State,
                    $"the journal of {row.Stream} to end at {head?.Seq}, where the copy was taken",
                    $"its end at {row.HeadSeq}",
                    "Start the move again.");
            }
        }

        return null;
    }
}
