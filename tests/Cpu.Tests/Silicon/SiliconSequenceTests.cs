// SPDX-License-Identifier: Apache-2.0

using System.Diagnostics;
using System.Globalization;
using Iced.Intel;
using KvmActors.Cpu.State;
using KvmActors.Cpu.Tests.Simd;
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
            if (Difference(native.Execute, engine.ExecuteRun, made, seed + cases) is { } difference)
            {
                string report = Report(native.Execute, engine.ExecuteRun, made, seed + cases);
                Assert.Fail($"KVMACTORS_SEED={seed}, case {cases}: {difference}: {made}\n{report}");
            }
        }

        output.WriteLine($"{cases} runs.");
    }

    /// <summary>With an engine that does one thing wrong, which two instructions have to meet for.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void A_program_that_fails_is_shown_without_the_instructions_that_do_not_matter(int seed)
    {
        const ulong Base = 0x1000_0000;
        using EngineCpu engine = new(Base, CpuMode.Long64);
        SequenceGenerator generator = new(Base);
        Random random = new(seed);
        SiliconCase made = generator.Make(random);
        while (made.Instructions.Count < 20)
        {
            made = generator.Make(random);
        }

        // Not a jump, nor what reads flags: those need others to stand before or behind them.
        Code[] plain =
        [
            .. made.Instructions
                .Where(instruction => instruction.FlowControl == FlowControl.Next && instruction.RflagsRead == 0)
                .Select(instruction => instruction.Code),
        ];
        Code[] culprits = [plain[0], plain[^1]];
        SiliconResult Right(SiliconCase program) => engine.ExecuteRun(program, () => 1000).Result!;
        (SiliconResult?, string) Wrong(SiliconCase program, Func<ulong> pieces)
        {
            SiliconResult result = engine.ExecuteRun(program, pieces).Result!;
            bool isWrong = culprits.All(code => program.Instructions.Any(instruction => instruction.Code == code));
            return (isWrong ? result with { RFlags = result.RFlags ^ 0x400 } : result, "");
        }

        SiliconCase shortest =
            SequenceShrinker.Shrink(made, program => Difference(Right, Wrong, program, seed));
        string report = Report(Right, Wrong, made, seed);

        output.WriteLine(report);
        Assert.Equal(culprits.Distinct(), shortest.Instructions.Select(instruction => instruction.Code));
        string length = $"{culprits.Distinct().Count()} of {made.Instructions.Count} instructions";
        Assert.Contains(length, report, StringComparison.Ordinal);
        Assert.Contains("expected flags", report, StringComparison.Ordinal);
    }

    /// <summary>However a run is cut into pieces, it ends as silicon says.</summary>
    private static string? Difference(
        Func<SiliconCase, SiliconResult> silicon,
        Func<SiliconCase, Func<ulong>, (SiliconResult? Result, string Failure)> engine,
        SiliconCase made,
        int seed)
    {
        SiliconResult expected = silicon(made);
        Random random = new(seed);
        foreach (Func<ulong> pieces in (Func<ulong>[])[() => 1000, () => 1, () => (ulong)random.Next(1, 6)])
        {
            (SiliconResult? found, string failure) = engine(made, pieces);
            string? difference = found is null
                ? failure
                : expected.DifferenceTo(found, made.UndefinedFlags) ?? FxDifference(made, expected, found);
            if (difference is not null)
            {
                return difference;
            }
        }

        return null;
    }

    private static string? FxDifference(SiliconCase made, SiliconResult expected, SiliconResult found) =>
        made.FxState is null ? null : FxStateDifference.Of(expected.FxState, found.FxState, xmmCount: 16);

    private static string Report(
        Func<SiliconCase, SiliconResult> silicon,
        Func<SiliconCase, Func<ulong>, (SiliconResult? Result, string Failure)> engine,
        SiliconCase made,
        int seed)
    {
        SiliconCase shortest =
            SequenceShrinker.Shrink(made, program => Difference(silicon, engine, program, seed));
        return $"The shortest program that fails, {shortest.Instructions.Count} of {made.Instructions.Count} "
            + $"instructions: {Difference(silicon, engine, shortest, seed)}: {shortest}";
    }

    private static int Number(string name, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), CultureInfo.InvariantCulture, out int number)
            ? number
            : otherwise;
}
