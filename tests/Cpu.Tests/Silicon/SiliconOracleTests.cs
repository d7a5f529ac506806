// SPDX-License-Identifier: Apache-2.0

using System.Diagnostics;
using System.Globalization;
using Iced.Intel;
using Xunit;
using Xunit.Abstractions;

namespace KvmActors.Cpu.Tests.Silicon;

/// <summary>The engine against the CPU it runs on, instruction by instruction, with random operands.</summary>
/// <remarks>KVMACTORS_SEED repeats a run; KVMACTORS_SILICON_SECONDS makes it longer.</remarks>
public sealed class SiliconOracleTests(ITestOutputHelper output)
{
    private const double SecondsDefault = 4;
    private const int FailuresShown = 60;

    [Fact]
    public void Every_integer_instruction_does_what_the_hosts_cpu_does()
    {
        using var native = NativeCpu.TryCreate(out string whyNot);
        if (native is null)
        {
            output.WriteLine($"Not run: {whyNot}.");
            return;
        }

        int seed = Number("KVMACTORS_SEED", Environment.TickCount);
        var time = TimeSpan.FromSeconds(Number("KVMACTORS_SILICON_SECONDS", (int)SecondsDefault));
        output.WriteLine($"KVMACTORS_SEED={seed}");
        using EngineCpu engine = new(native.Base);
        CaseGenerator generator = new(native.Base);
        SortedDictionary<string, string> failures = [];
        int cases = 0;
        int rounds = 0;
        var clock = Stopwatch.StartNew();
        for (; rounds == 0 || clock.Elapsed < time; rounds++)
        {
            foreach (Code code in InstructionForms.OfHostAndEngine)
            {
                // Each form has its own stream of numbers, so that a failure repeats without the forms before it.
                Random random = new(unchecked((seed * 31) + (rounds * 7919) + (int)code));
                if (!failures.ContainsKey(code.ToString()) && generator.TryMake(code, random) is { } made)
                {
                    cases++;
                    if (Difference(native, engine, made) is { } difference)
                    {
                        failures[code.ToString()] = $"{code}, round {rounds}: {difference}: {made}";
                    }
                }
            }
        }

        output.WriteLine($"{InstructionForms.OfHostAndEngine.Count} forms, {rounds} rounds, {cases} cases.");
        Assert.True(failures.Count == 0, Report(seed, failures.Values));
    }

    [Fact]
    public void Every_form_can_be_made_into_a_case()
    {
        CaseGenerator generator = new(0x1000_0000);
        Random random = new(1);

        IEnumerable<Code> never = InstructionForms.OfHostAndEngine.Where(
            code => generator.TryMake(code, random) is null);

        Assert.Empty(never);
        Assert.True(InstructionForms.OfHostAndEngine.Count > 400, $"{InstructionForms.OfHostAndEngine.Count} forms");
    }

    private static string? Difference(NativeCpu native, EngineCpu engine, SiliconCase made)
    {
        SiliconResult expected = native.Execute(made);
        (SiliconResult? found, string failure) = engine.Execute(made);
        return found is null ? failure : expected.DifferenceTo(found, made.UndefinedFlags);
    }

    private static string Report(int seed, IEnumerable<string> failures) =>
        $"KVMACTORS_SEED={seed}: {failures.Count()} forms differ.\n"
        + string.Join('\n', failures.Take(FailuresShown));

    private static int Number(string name, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), CultureInfo.InvariantCulture, out int number)
            ? number
            : otherwise;
}
