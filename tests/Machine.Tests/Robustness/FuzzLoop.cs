// SPDX-License-Identifier: Apache-2.0

using System.Diagnostics;
using System.Globalization;
using Xunit;
using Xunit.Abstractions;

namespace KvmActors.Machine.Tests.Robustness;

/// <summary>Runs one case after the other for a while, each from a seed of its own, and looks whether one hangs.
/// </summary>
/// <remarks>KVMACTORS_FUZZ_SECONDS says for how long; KVMACTORS_SEED where to begin.</remarks>
internal static class FuzzLoop
{
    private const int SecondsDefault = 20;

    /// <summary>A case takes milliseconds; on a machine that is very busy, a second.</summary>
    private static readonly TimeSpan s_caseMax = TimeSpan.FromMinutes(2);

    /// <param name="output">Told of the seed and of what the cases came to.</param>
    /// <param name="runCase">Runs the case of a seed; its answer is counted.</param>
    /// <param name="shareOfTime">Which part of the time this loop may have.</param>
    public static void Run(ITestOutputHelper output, Func<int, string> runCase, double shareOfTime = 1)
    {
        var time = TimeSpan.FromSeconds(shareOfTime * Number("KVMACTORS_FUZZ_SECONDS", SecondsDefault));
        int first = Number("KVMACTORS_SEED", Random.Shared.Next(1_000_000_000));
        output.WriteLine($"KVMACTORS_SEED={first}");
        int seed = first;
        long caseStart = Stopwatch.GetTimestamp();
        SortedDictionary<string, int> ends = [];
        Task cases = Task.Factory.StartNew(
            () =>
            {
                long start = Stopwatch.GetTimestamp();
                do
                {
                    Volatile.Write(ref caseStart, Stopwatch.GetTimestamp());
                    string end = RunOne(runCase, seed);
                    ends[end] = ends.GetValueOrDefault(end) + 1;
                    Volatile.Write(ref seed, seed + 1);
                }
                while (Stopwatch.GetElapsedTime(start) < time);
            },
            TaskCreationOptions.LongRunning);
        while (!Task.WaitAny([cases], TimeSpan.FromSeconds(1)).Equals(0))
        {
            Assert.True(
                Stopwatch.GetElapsedTime(Volatile.Read(ref caseStart)) < s_caseMax,
                $"The case of KVMACTORS_SEED={Volatile.Read(ref seed)} has not ended within {s_caseMax}.");
        }

        cases.GetAwaiter().GetResult();
        output.WriteLine($"{seed - first} cases: {string.Join(", ", ends.Select(end => $"{end.Key} {end.Value}"))}");
    }

    private static string RunOne(Func<int, string> runCase, int seed)
    {
        try
        {
            return runCase(seed);
        }
        catch (Exception thrown)
        {
            throw new InvalidOperationException($"KVMACTORS_SEED={seed}: {thrown.Message}", thrown);
        }
    }

    private static int Number(string variable, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), CultureInfo.InvariantCulture, out int number)
            ? number
            : otherwise;
}
