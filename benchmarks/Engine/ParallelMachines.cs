// SPDX-License-Identifier: Apache-2.0

using System.Diagnostics;
using System.Globalization;
using KvmActors.Benchmarks.Engine.Engines;
using KvmActors.Benchmarks.Engine.Guests;
using KvmActors.Benchmarks.Parts;
using KvmActors.Cpu;

namespace KvmActors.Benchmarks.Engine;

/// <summary>Two VMs that have nothing to do with each other, on two threads, beside one.</summary>
internal static class ParallelMachines
{
    private const int Machines = 2;
    private const double SpeedUpMin = 1.8;

    public static IEnumerable<Measured> Measure(int rounds)
    {
        OwnEngine engine = new("translator", EngineOptions.Default);
        foreach (GuestProgram program in HotLoops.All.Where(program => program.Name is "alu" or "mem" or "fib"))
        {
            byte[] image = GuestImage.Build(program, program.Rounds.Many);
            _ = Seconds(engine, image, machines: 1);
            double[] speedUps = new double[rounds];
            for (int round = 0; round < rounds; round++)
            {
                double alone = Seconds(engine, image, machines: 1);
                speedUps[round] = Machines * alone / Seconds(engine, image, Machines);
            }

            double median = Median.Of(speedUps);
            yield return new Measured(
                $"two VMs on two threads, `{program.Name}`: instructions a second, of one VM's",
                "near 2",
                string.Create(CultureInfo.InvariantCulture, $"{median:0.00} times"),
                "",
                median >= SpeedUpMin);
        }
    }

    /// <summary>By the wall clock.</summary>
    private static double Seconds(OwnEngine engine, byte[] image, int machines)
    {
        var threads = new Thread[machines];
        for (int thread = 0; thread < machines; thread++)
        {
            threads[thread] = new Thread(() => engine.Run(image));
        }

        long start = Stopwatch.GetTimestamp();
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => thread.Join());
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }
}
