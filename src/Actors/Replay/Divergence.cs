// SPDX-License-Identifier: Apache-2.0

using KvmActors.Persistence;

namespace KvmActors.Actors.Replay;

/// <summary>The first place where a replay is not what the journal says.</summary>
/// <param name="Seq">The record that does not hold; 0 where the replay did something that no record tells of.</param>
public sealed record Divergence(StreamId Stream, ulong Seq, ulong VmTime, string Expected, string Found)
{
    public string Sentence =>
        $"Stream {Stream}, sequence {Seq}, VM time {VmTime}: expected {Expected}; the replay found {Found}.";

    public override string ToString() => Sentence;
}
