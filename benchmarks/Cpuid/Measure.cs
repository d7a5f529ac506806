// SPDX-License-Identifier: Apache-2.0

using System.Diagnostics;

namespace KvmActors.Benchmarks.Cpuid;

/// <summary>Times one operation: warm-up, then the median of rounds.</summary>
internal static class Measure
{
    private const int Rounds = 21;

    private static readonly TimeSpan s_warmUp = TimeSpan.FromMilliseconds(500);

    /// <param name="operations">How many operations one call of <paramref name="run"/> does.</param>
    /// <param name="run">Does them.</param>
    /// <returns>Nanoseconds of one operation: the median of the rounds.</returns>
    public static double Nanoseconds(int operations, Action run)
    {
        long start = Stopwatch.GetTimestamp();
        do
        {
            run();
        }
        while (Stopwatch.GetElapsedTime(start) < s_warmUp);

        double[] rounds = new double[Rounds];
        for (int round = 0; round < Rounds; round++)
        {
            start = Stopwatch.GetTimestamp();
            run();
            rounds[round] = Stopwatch.GetElapsedTime(start).TotalNanoseconds / operations;
        }

        Array.Sort(rounds);
        return rounds[Rounds / 2];
    }
}
