// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.TestKit.Simulation;

/// <summary>What a <see cref="FaultyStore"/> does to calls. Chances are per call; those of a lost answer are for
/// writes.</summary>
/// <param name="LatencyMin">Shortest way to the store, and back.</param>
/// <param name="LatencyMax">Longest way to the store, and back.</param>
/// <param name="RefuseChance">Nothing done, and the caller knows it.</param>
/// <param name="LoseRequestChance">Nothing done, and the caller does not know it.</param>
/// <param name="LoseReplyChance">All done, and the caller does not know it.</param>
/// <param name="LateChance">The caller gives up, and does not know that it is done only <paramref name="LateBy"/>
/// later.</param>
public sealed record StoreFaults(
    TimeSpan LatencyMin,
    TimeSpan LatencyMax,
    double RefuseChance,
    double LoseRequestChance,
    double LoseReplyChance,
    double LateChance,
    TimeSpan LateBy)
{
    public static StoreFaults None { get; } = new(
        LatencyMin: TimeSpan.FromMicroseconds(50),
        LatencyMax: TimeSpan.FromMicroseconds(500),
        RefuseChance: 0,
        LoseRequestChance: 0,
        LoseReplyChance: 0,
        LateChance: 0,
        LateBy: TimeSpan.Zero);

    /// <summary>A bad day: up to 20 ms, and four calls in a hundred go wrong, each in its own way.</summary>
    public static StoreFaults Harsh { get; } = new(
        LatencyMin: TimeSpan.FromMicroseconds(50),
        LatencyMax: TimeSpan.FromMilliseconds(20),
        RefuseChance: 0.01,
        LoseRequestChance: 0.01,
        LoseReplyChance: 0.01,
        LateChance: 0.01,
        LateBy: TimeSpan.FromMilliseconds(100));

    /// <summary>A slow disk: each call takes up to 600 ms, which is nearly the time between two renewals.</summary>
    public static StoreFaults Slow { get; } = None with
    {
        LatencyMin = TimeSpan.FromMilliseconds(20),
        LatencyMax = TimeSpan.FromMilliseconds(300),
    };
}
