// SPDX-License-Identifier: Apache-2.0

using KvmActors.Persistence.Ownership;

namespace KvmActors.Persistence.Journal;

/// <summary>What became of a <see cref="StoreTransaction"/>. Every case but <see cref="Committed"/> wrote
/// nothing.</summary>
public abstract record CommitResult
{
    private CommitResult()
    {
    }

    /// <summary>Durable.</summary>
    public sealed record Committed : CommitResult;

    /// <summary>Another epoch or owner holds the stream: the writer must stop its guest.</summary>
    public sealed record Fenced(Epoch Offered, StreamRow Current) : CommitResult;

    /// <summary>Same owner and epoch, but another head, state or migration: an undecided commit landed, or a
    /// bug.</summary>
    public sealed record Mismatch(StreamRow Expected, StreamRow Current) : CommitResult;

    /// <summary>The stream to be created is already there.</summary>
    public sealed record AlreadyExists(StreamId Stream) : CommitResult;

    /// <summary>The stream to be changed is not there.</summary>
    public sealed record Missing(StreamId Stream) : CommitResult;

    /// <summary>The command was handled before; here is its reply.</summary>
    public sealed record Duplicate(DedupEntry Entry) : CommitResult;

    /// <summary>A page of the snapshot was collected between its put and this commit: put the pages again.</summary>
    public sealed record PagesGone(ulong SnapshotId) : CommitResult;

    /// <summary>A takeover's condition does not hold: the old owner is not declared dead, or the claimant's lease is
    /// over.</summary>
    public sealed record ClaimRefused(string Reason) : CommitResult;
}
