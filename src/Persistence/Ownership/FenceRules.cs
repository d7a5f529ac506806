// SPDX-License-Identifier: Apache-2.0

using KvmActors.Persistence.Journal;

namespace KvmActors.Persistence.Ownership;

/// <summary>What a fence row answers to a compare-and-swap. The one definition behind every store. Pure.</summary>
internal static class FenceRules
{
    /// <returns>Null where the swap may happen, else the refusal.</returns>
    internal static CommitResult? Check(StreamWrite write, StreamRow? current)
    {
        StreamId stream = write.Next.Stream;
        if (write.Expected is not { } expected)
        {
            return current is null ? null : new CommitResult.AlreadyExists(stream);
        }

        if (current is null)
        {
            return new CommitResult.Missing(stream);
        }

        if (current.Owner != expected.Owner || current.Epoch != expected.Epoch)
        {
            return new CommitResult.Fenced(expected.Epoch, current);
        }

        bool same = current.State == expected.State
            && current.HeadSeq == expected.HeadSeq
            && current.HeadHash == expected.HeadHash
            && current.Migration == expected.Migration;
        return same ? null : new CommitResult.Mismatch(expected, current);
    }
}
