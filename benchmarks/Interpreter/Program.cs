// SPDX-License-Identifier: Apache-2.0

using System.Globalization;
using KvmActors.Benchmarks.Interpreter;

const int Rounds = 7;
const double Million = 1e6;

Console.WriteLine("program   instructions     MIPS   to alu   plain C#, faster by");
double? ofFirst = null;
foreach (GuestProgram program in GuestPrograms.All)
{
    using BenchmarkGuest guest = new(program);
    (ulong result, ulong instructions) = guest.Run();
    ulong expected = program.Plain();
    if (result != expected)
    {
        Console.Error.WriteLine($"{program.Name}: expected the result {expected:x} of plain C#, found {result:x}.");
        return 1;
    }

    double inGuest = Seconds(() => guest.Run().Result);
    double plain = Seconds(program.Plain);
    double mips = instructions / inGuest / Million;
    ofFirst ??= mips;
    Console.WriteLine(string.Create(
        CultureInfo.InvariantCulture,
        $"{program.Name,-8} {instructions,13:n0} {mips,8:n0} {mips / ofFirst,8:f2} {inGuest / plain,8:f1}"));
}

return 0;

// Processor time: the median of the rounds, behind two that warm up.
static double Seconds(Func<ulong> run)
{
    _ = run();
    _ = run();
    double[] rounds = new double[Rounds];
    ulong sum = 0;
    for (int round = 0; round < Rounds; round++)
    {
        TimeSpan start = Environment.CpuUsage.TotalTime;
        sum += run();
        rounds[round] = (Environment.CpuUsage.TotalTime - start).TotalSeconds;
    }

    GC.KeepAlive(sum);
    Array.Sort(rounds);
    return rounds[Rounds / 2];
}
