// SPDX-License-Identifier: Apache-2.0

using KvmActors.Persistence;

namespace KvmActors.Actors.Migration;

/// <summary>How far a move that is under way has come.</summary>
/// <param name="Round">Of pre-copy, counted from 1; 0 before it.</param>
/// <param name="PagesSent">In all rounds.</param>
/// <param name="PagesLeft">Of this round.</param>
/// <param name="BytesSent">On the wire.</param>
/// <param name="Took">Since the first page.</param>
public sealed record MoveProgress(
    MigrationId Migration,
    NodeId To,
    MigrationPhase Phase,
    int Round,
    int PagesSent,
    int PagesLeft,
    ulong BytesSent,
    TimeSpan Took)
{
    /// <summary>On the wire, since the first page.</summary>
    public double BytesPerSecond => Took > TimeSpan.Zero ? BytesSent / Took.TotalSeconds : 0;
}
