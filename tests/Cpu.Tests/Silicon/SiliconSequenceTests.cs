// SPDX-License-Identifier: Apache-2.0

using System.Diagnostics;
using System.Globalization;
using KvmActors.Cpu.State;
using Xunit;
using Xunit.Abstractions;

namespace KvmActors.Cpu.Tests.Silicon;

/// <summary>Runs of instructions against the host's CPU: what one leaves to the next.</summary>
/// <remarks>KVMACTORS_SEED repeats a run; KVMACTORS_SILICON_SECONDS makes it longer.</remarks>
public sealed class SiliconSequenceTests(ITestOutputHelper output)
{
    [Fact]
    public void A_run_of_instructions_ends_as_on_the_hosts_cpu_however_it_is_cut()
    {
        using var native = NativeCpu.TryCreate(out string whyNot);
        if (native is null)
        {
            output.WriteLine($"Not run: {whyNot}.");
            return;
        }

        int seed = Number("KVMACTORS_SEED", Environment.TickCount);
        var time = TimeSpan.FromSeconds(Number("KVMACTORS_SILICON_SECONDS", 3));
        output.WriteLine($"KVMACTORS_SEED={seed}");
        using EngineCpu engine = new(native.Base, CpuMode.Long64);
        SequenceGenerator generator = new(native.Base);
        var clock = Stopwatch.StartNew();
        int cases = 0;
        for (; cases < 50 || clock.Elapsed < time; cases++)
        {
            Random random = new(unchecked((seed * 31) + cases));
            SiliconCase made = generator.Make(random);
            SiliconResult expected = native.Execute(made);
            foreach (Func<ulong> pieces in (Func<ulong>[])[() => 1000, () => 1, () => (ulong)random.Next(1, 6)])
            {
                (SiliconResult? found, string failure) = engine.ExecuteRun(made, pieces);
                string? difference = found is null ? failure : expected.DifferenceTo(found, made.UndefinedFlags);
                Assert.True(difference is null, $"KVMACTORS_SEED={seed}, case {cases}: {difference}: {made}");
            }
        }

        output.WriteLine($"{cases} runs.");
    }

    private static int Number(string name, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), CultureInfo.InvariantCulture, out int number)
            ? number
            : otherwise;
}
