// SPDX-License-Identifier: Apache-2.0

using System.Globalization;
using Iced.Intel;
using KvmActors.Cpu.State;
using KvmActors.Cpu.Tests.Silicon;
using Xunit;
using Xunit.Abstractions;

namespace KvmActors.Cpu.Tests.Fpu;

/// <summary>Every x87 form against the host's CPU: random registers, tags, control and status words, exceptions masked
/// and not.</summary>
/// <remarks>KVMACTORS_SEED repeats a run; KVMACTORS_FPU_CASES is the number of cases a form.</remarks>
public sealed class FpuSiliconTests(ITestOutputHelper output)
{
    private const int CasesDefault = 200;
    private const int FailuresShown = 40;

    [Fact]
    public void Every_64_bit_x87_form_does_what_the_hosts_cpu_does() => Compare(CpuMode.Long64, bits: 64);

    [Theory]
    [InlineData(CpuMode.Compatibility32)]
    [InlineData(CpuMode.Protected32)]
    public void Every_32_bit_x87_form_does_what_the_hosts_cpu_does(CpuMode mode) => Compare(mode, bits: 32);

    [Theory]
    [InlineData(CpuMode.Compatibility16)]
    [InlineData(CpuMode.Protected16)]
    public void Every_16_bit_x87_form_does_what_the_hosts_cpu_does(CpuMode mode) => Compare(mode, bits: 16);

    [Fact]
    public void Transcendental_functions_are_within_one_unit_of_what_the_hosts_cpu_gives() =>
        Compare(CpuMode.Long64, bits: 64, isTranscendental: true);

    private void Compare(CpuMode mode, int bits, bool isTranscendental = false)
    {
        using var native = NativeCpu.TryCreate(out string whyNot);
        if (native is null
            || (bits == 32 && !native.Has32Bits())
            || (bits == 16 && !native.TryMake16Bits(out whyNot)))
        {
            output.WriteLine($"Not run: {(whyNot.Length == 0 ? "the host has no 32-bit code segment" : whyNot)}.");
            return;
        }

        if (HostMaker.WhyNotCompared is { } other)
        {
            output.WriteLine($"Not run: {other}.");
            return;
        }

        int seed = Number("KVMACTORS_SEED", Environment.TickCount);
        int cases = Number("KVMACTORS_FPU_CASES", CasesDefault);
        output.WriteLine($"KVMACTORS_SEED={seed}");
        using EngineCpu engine = new(native.Base, mode);
        FpuCaseGenerator generator = new(bits == 16 ? 0 : native.Base, bits);
        IReadOnlyList<Code> forms =
            [.. FpuForms.Of(bits).Where(code => FpuForms.IsTranscendental(code) == isTranscendental)];
        List<string> failures = [];
        foreach (Code code in forms)
        {
            for (int index = 0; index < cases; index++)
            {
                Random random = new(unchecked((seed * 31) + (index * 7919) + (int)code));
                SiliconCase made = generator.Make(code, random);
                if (!FpuTolerance.IsDefined(made)
                    || Difference(native, engine, made, isTranscendental) is not { } difference)
                {
                    continue;
                }

                failures.Add($"{code}, case {index}: {difference}\n    {made}\n    {FpuText.Of(made)}");
                break;
            }
        }

        output.WriteLine($"{forms.Count} forms, {cases} cases each.");
        Assert.True(
            failures.Count == 0,
            $"KVMACTORS_SEED={seed}: {failures.Count} forms differ.\n"
                + string.Join('\n', failures.Take(FailuresShown)));
    }

    private static string? Difference(NativeCpu native, EngineCpu engine, SiliconCase made, bool isTranscendental)
    {
        SiliconResult expected = native.Execute(made);
        (SiliconResult? found, string failure) = engine.Execute(made);
        if (found is not null && isTranscendental)
        {
            FpuTolerance.Forgive(expected.FxState, found.FxState);
        }

        return found is null
            ? failure
            : FpuText.Difference(expected.FxState, found.FxState) ?? expected.DifferenceTo(found, made.UndefinedFlags);
    }

    private static int Number(string name, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), CultureInfo.InvariantCulture, out int number)
            ? number
            : otherwise;
}
