// SPDX-License-Identifier: Apache-2.0

using System.Diagnostics;
using System.Globalization;
using Iced.Intel;
using KvmActors.Cpu.State;
using KvmActors.Cpu.Tests.Silicon;
using Xunit;
using Xunit.Abstractions;

namespace KvmActors.Cpu.Tests.Simd;

/// <summary>Every MMX and SSE instruction against the CPU below us, with random operands, all exceptions masked.
/// </summary>
/// <remarks>KVMACTORS_SEED repeats a run; KVMACTORS_SILICON_SECONDS makes it longer; KVMACTORS_SILICON_CODE looks only
/// at
/// codes that contain it.</remarks>
public sealed class SimdSiliconTests(ITestOutputHelper output)
{
    private const int SecondsDefault = 4;
    private const int RoundsMin = 20;
    private const int FailuresShown = 100;

    [Theory]
    [InlineData(CpuMode.Long64, 64)]
    [InlineData(CpuMode.Compatibility32, 32)]
    public void Every_form_does_what_the_hosts_CPU_does(CpuMode mode, int bits)
    {
        using var native = NativeCpu.TryCreate(out string whyNot);
        if (native is null || (bits == 32 && !native.Has32Bits()))
        {
            output.WriteLine($"Not run: {(native is null ? whyNot : "the host has no 32-bit code segment")}.");
            return;
        }

        int seed = Number("KVMACTORS_SEED", Environment.TickCount);
        var time = TimeSpan.FromSeconds(Number("KVMACTORS_SILICON_SECONDS", SecondsDefault));
        string only = Environment.GetEnvironmentVariable("KVMACTORS_SILICON_CODE") ?? "";
        output.WriteLine($"KVMACTORS_SEED={seed}");
        Code[] forms =
        [
            .. SimdForms.Of(bits).Where(code => code.ToString().Contains(only, StringComparison.OrdinalIgnoreCase)),
        ];
        using EngineCpu engine = new(native.Base, mode);
        CaseGenerator generator = new(native.Base, bits, new VectorContents());
        SortedDictionary<string, string> failures = [];
        var clock = Stopwatch.StartNew();
        int cases = 0;
        int rounds = 0;
        for (; rounds < RoundsMin || clock.Elapsed < time; rounds++)
        {
            foreach (Code code in forms.Where(code => !failures.ContainsKey(code.ToString())))
            {
                Random random = new(unchecked((seed * 31) + (rounds * 7919) + (int)code));
                SiliconCase made = generator.TryMake(code, random)
                    ?? throw new InvalidOperationException($"No case of {code} can be made.");
                cases++;
                if (Difference(native, engine, made) is { } difference)
                {
                    failures[code.ToString()] = $"{code}, round {rounds}: {difference}: {SimdCaseText.Of(made)}";
                }
            }
        }

        output.WriteLine($"{forms.Length} forms, {rounds} rounds, {cases} cases.");
        Assert.True(
            failures.Count == 0,
            $"KVMACTORS_SEED={seed}: {failures.Count} of {forms.Length} forms differ.\n"
            + string.Join('\n', failures.Values.Take(FailuresShown)));
    }

    private static string? Difference(NativeCpu native, EngineCpu engine, SiliconCase made)
    {
        SiliconResult expected = native.Execute(made);
        (SiliconResult? found, string failure) = engine.Execute(made);
        if (found is null)
        {
            return failure;
        }

        MakersOwn.Unify(made, expected.FxState, found.FxState);
        return expected.DifferenceTo(found, made.UndefinedFlags)
            ?? FxStateDifference.Of(expected.FxState, found.FxState, xmmCount: made.Bits == 64 ? 16 : 8);
    }

    private static int Number(string name, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), CultureInfo.InvariantCulture, out int number)
            ? number
            : otherwise;
}
