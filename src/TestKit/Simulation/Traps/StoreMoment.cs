// SPDX-License-Identifier: Apache-2.0

using System.Runtime.InteropServices;
using KvmActors.Persistence.Events;
using KvmActors.Persistence.Journal;

namespace KvmActors.TestKit.Simulation.Traps;

/// <summary>A call of one node to the store, at one stage of its way.</summary>
/// <param name="Node">Name of the calling node.</param>
/// <param name="Call">Name of the store's method, without its Async.</param>
/// <param name="Transaction">What is to be committed, where the call is a commit.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct StoreMoment(
    string Node, string Call, CallStage Stage, StoreTransaction? Transaction)
{
    /// <summary>Name of <see cref="IJournal.CommitAsync"/> in <see cref="Call"/>.</summary>
    public const string Commit = "Commit";

    /// <summary>Whether the call commits a record of this kind.</summary>
    public bool Holds(EventKind kind) =>
        Transaction is { } commit && commit.Writes.Any(write => write.Records.Any(record => record.Kind == kind));

    public override string ToString() => Transaction is { } commit
        ? $"{Stage} {Call} of {commit.Vm}: {string.Join(", ", commit.Writes.Select(Describe))}"
            + (commit.Takeover is { } claim ? $", taken from {claim.Dead}" : string.Empty)
            + (commit.Dedup is { } dedup ? $", reply to {dedup.Command}" : string.Empty)
            + (commit.Snapshot is { } snapshot ? $", snapshot {snapshot.Id}" : string.Empty)
        : $"{Stage} {Call}";

    private static string Describe(StreamWrite write) =>
        $"{write.Next.Stream} e{write.Next.Epoch} #{write.Next.HeadSeq} "
        + $"[{string.Join(' ', write.Records.Select(record => record.Kind))}]";
}
