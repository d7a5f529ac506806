// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.TestKit.Simulation;

/// <summary>What a <see cref="SimulatedNetwork"/> does to requests and replies.</summary>
/// <param name="DelayMin">Shortest way of one message, in one direction.</param>
/// <param name="DelayMax">Longest way. Messages overtake each other as far as their delays differ.</param>
/// <param name="DropChance">Probability that a request, or a reply, is lost.</param>
/// <param name="DuplicateChance">Probability that a request arrives twice, each time after a delay of its own.</param>
/// <param name="GiveUpAfter">When a caller whose request or reply was lost is told so.</param>
public sealed record LinkFaults(
    TimeSpan DelayMin, TimeSpan DelayMax, double DropChance, double DuplicateChance, TimeSpan GiveUpAfter)
{
    /// <summary>Probability that the connection breaks while the other side works: the caller hears of it, and not what
    /// became of its request.</summary>
    public double ResetChance { get; init; }

    /// <summary>A quiet network: 50 to 200 µs, and nothing is lost.</summary>
    public static LinkFaults None { get; } = new(
        DelayMin: TimeSpan.FromMicroseconds(50),
        DelayMax: TimeSpan.FromMicroseconds(200),
        DropChance: 0,
        DuplicateChance: 0,
        GiveUpAfter: TimeSpan.FromSeconds(5));

    /// <summary>A bad day: up to 50 ms, one in twenty lost, one in twenty doubled, one in fifty cut off.</summary>
    public static LinkFaults Harsh { get; } = new(
        DelayMin: TimeSpan.FromMicroseconds(50),
        DelayMax: TimeSpan.FromMilliseconds(50),
        DropChance: 0.05,
        DuplicateChance: 0.05,
        GiveUpAfter: TimeSpan.FromSeconds(1))
    {
        ResetChance = 0.02,
    };
}
