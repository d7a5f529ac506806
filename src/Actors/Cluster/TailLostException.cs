// SPDX-License-Identifier: Apache-2.0

using KvmActors.Persistence.Ownership;

namespace KvmActors.Actors.Cluster;

/// <summary>The store has forgotten what it had acknowledged: see <see cref="LostTail"/>. Its message is for the
/// operator, who decides.</summary>
public sealed class TailLostException(StreamRow known, StreamRow? found) : Exception(Describe(known, found))
{
    /// <summary>The row as it was when it was last known to be durable.</summary>
    public StreamRow Known { get; } = known;

    private static string Describe(StreamRow known, StreamRow? found) =>
        $"The store lost what it had acknowledged: {known.Stream} was durable up to sequence {known.HeadSeq} under "
        + $"epoch {known.Epoch}, found "
        + (found is null ? "no such stream" : $"sequence {found.HeadSeq} under epoch {found.Epoch}")
        + ". Was it restored from a copy, or did it fail over to a standby that lagged? Bring back the store that has "
        + "the rest, or go on without it: vm release.";
}
