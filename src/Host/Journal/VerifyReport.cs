// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Persistence.Journal;

namespace KvmActors.Host.Journal;

/// <summary>What <c>journal verify</c> found.</summary>
/// <param name="Records">Records that are sound.</param>
internal sealed record VerifyReport(
    bool IsSound, int Streams, ulong Records, int Snapshots, ulong Pages, ImmutableArray<DamageReport> Damage);

/// <param name="Seq">Null where the damage is in no record.</param>
internal sealed record DamageReport(string Stream, ulong? Seq, string What, string Text)
{
    public static DamageReport Of(JournalDamage damage) =>
        new(damage.Stream.ToString(), damage.Seq, damage.What, damage.Describe());
}
