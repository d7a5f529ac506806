// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;

namespace KvmActors.Torture.Nemesis;

/// <summary>What the nemesis does when. Pure: the same seed, the same schedule.</summary>
internal static class TroubleSchedule
{
    private static readonly ImmutableArray<TroubleKind> s_everywhere =
    [
        TroubleKind.KillNode,
        TroubleKind.KillTwoNodes,
        TroubleKind.StopNode,
        TroubleKind.CutOneWay,
        TroubleKind.LoseFifth,
        TroubleKind.FillDisk,
    ];

    public static ImmutableArray<TroubleKind> KindsOf(bool isPostgres) =>
    [
        .. s_everywhere,
        .. isPostgres
            ? (ReadOnlySpan<TroubleKind>)
                [TroubleKind.CutFromStore, TroubleKind.KillServer, TroubleKind.EndSessions]
            : [TroubleKind.StopInsideWrite],
    ];

    /// <summary>Every kind comes once before any comes again; most begin before the last one is over.</summary>
    /// <param name="lease">How long a node may go without renewing: a stop has to last longer.</param>
    public static ImmutableArray<TroubleStep> Of(
        int seed, TimeSpan length, TimeSpan lease, int nodes, ImmutableArray<TroubleKind> kinds)
    {
        Random random = new(seed);
        ImmutableArray<TroubleStep>.Builder steps = ImmutableArray.CreateBuilder<TroubleStep>();
        Queue<TroubleKind> deck = new();
        TimeSpan at = Seconds(0.5 + random.NextDouble());
        while (at < length)
        {
            if (deck.Count == 0)
            {
                TroubleKind[] next = [.. kinds];
                random.Shuffle(next);
                deck = new Queue<TroubleKind>(next);
            }

            TroubleKind kind = deck.Dequeue();
            int node = random.Next(nodes);
            int other = (node + 1 + random.Next(nodes - 1)) % nodes;
            TimeSpan lasts = LengthOf(kind, lease, random);
            steps.Add(new TroubleStep(at, lasts, kind, node + 1, other + 1));
            at += (lasts * (0.4 + (0.8 * random.NextDouble()))) + Seconds(0.3 + (1.2 * random.NextDouble()));
        }

        return steps.ToImmutable();
    }

    private static TimeSpan LengthOf(TroubleKind kind, TimeSpan lease, Random random) => kind switch
    {
        TroubleKind.KillNode or TroubleKind.KillTwoNodes or TroubleKind.EndSessions => TimeSpan.Zero,
        TroubleKind.StopNode or TroubleKind.CutFromStore => lease * (1.3 + random.NextDouble()),
        TroubleKind.CutOneWay or TroubleKind.LoseFifth => Seconds(2 + (6 * random.NextDouble())),
        TroubleKind.FillDisk => Seconds(0.5 + (2 * random.NextDouble())),
        TroubleKind.StopInsideWrite => lease,
        TroubleKind.KillServer => Seconds(0.2 + (2 * random.NextDouble())),
        _ => throw new System.Diagnostics.UnreachableException(kind.ToString()),
    };

    private static TimeSpan Seconds(double seconds) => TimeSpan.FromMilliseconds(Math.Round(1000 * seconds));
}
