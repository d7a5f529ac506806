// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Persistence.Journal;

/// <summary>The first place where a stream is not what was written.</summary>
/// <param name="Seq">Sequence of the record concerned; 0 where the stream has none.</param>
/// <param name="What">What is wrong, as a short phrase: "hash", "sequence", "epoch", "payload", "head".</param>
public sealed record JournalDamage(
    StreamId Stream, ulong Seq, string What, string Expected, string Found, string Advice)
{
    /// <summary>One sentence for a person, and what to do.</summary>
    public string Describe() =>
        $"Stream {Stream}, sequence {Seq}, {What}: expected {Expected}, found {Found}. {Advice}";

    public override string ToString() => Describe();
}
