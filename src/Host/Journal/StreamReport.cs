// SPDX-License-Identifier: Apache-2.0

using KvmActors.Persistence.Ownership;

namespace KvmActors.Host.Journal;

/// <summary>A stream as <c>journal list</c> shows it.</summary>
/// <param name="Owner">Null while nobody owns it.</param>
/// <param name="VmTime">Of its last record; null where there is none.</param>
internal sealed record StreamReport(
    string Stream,
    string? Owner,
    ulong Epoch,
    string State,
    ulong Records,
    string HeadHash,
    ulong? VmTime,
    int Snapshots)
{
    public static StreamReport Of(StreamRow row, ulong? vmTime, int snapshots) => new(
        row.Stream.ToString(),
        row.Owner?.ToString(),
        row.Epoch.Value,
        WordOf(row.State),
        row.HeadSeq,
        row.HeadHash.ToString(),
        vmTime,
        snapshots);

    private static string WordOf(StreamRowState state) => state switch
    {
        StreamRowState.Owned => "owned",
        StreamRowState.Moving => "moving",
        StreamRowState.Quarantined => "quarantined",
    };
}
