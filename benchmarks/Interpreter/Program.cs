// SPDX-License-Identifier: Apache-2.0

using System.Diagnostics;
using System.Globalization;
using KvmActors.Benchmarks.Interpreter;
using KvmActors.Cpu;

const int Rounds = 7;
const double Million = 1e6;

Console.WriteLine("program   instructions   interpreter    translator    ratio   plain C#, faster by");
if (Vcpu.TranslatorRefusal is { } refusal)
{
    Console.WriteLine($"The interpreter runs alone: {refusal}.");
}

foreach (GuestProgram program in GuestPrograms.All)
{
    ulong expected = program.Plain();
    (double interpreter, _) = Measure(program, EngineChoice.Interpreter, expected);
    (double translator, ulong instructions) = Measure(program, EngineChoice.Auto, expected);
    double plain = Seconds(program.Plain);
    Console.WriteLine(string.Create(
        CultureInfo.InvariantCulture,
        $"{program.Name,-8} {instructions,13:n0} {instructions / interpreter / Million,8:n0} MIPS "
        + $"{instructions / translator / Million,8:n0} MIPS {interpreter / translator,8:f1} "
        + $"{translator / plain,8:f1}"));
}

return 0;

static (double Seconds, ulong Instructions) Measure(GuestProgram program, EngineChoice engine, ulong expected)
{
    using BenchmarkGuest guest = new(program, engine);
    (ulong result, ulong instructions) = guest.Run();
    return result == expected
        ? (Seconds(() => guest.Run().Result), instructions)
        : throw new InvalidOperationException(
            $"{program.Name}: expected the result {expected:x} of plain C#, found {result:x}.");
}

// Processor time: the median of the rounds. Until they begin, the process is warm: what .NET compiles beside a run
// would count as its time.
static double Seconds(Func<ulong> run)
{
    ulong sum = 0;
    var warm = Stopwatch.StartNew();
    while (warm.Elapsed < TimeSpan.FromSeconds(1.5))
    {
        sum += run();
    }

    double[] rounds = new double[Rounds];
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
