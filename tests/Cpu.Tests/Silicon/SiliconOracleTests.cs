// SPDX-License-Identifier: Apache-2.0

using System.Diagnostics;
using System.Globalization;
using Iced.Intel;
using KvmActors.Cpu.State;
using Xunit;
using Xunit.Abstractions;

namespace KvmActors.Cpu.Tests.Silicon;

/// <summary>The engine against the CPU it runs on, instruction by instruction, with random operands.</summary>
/// <remarks>KVMACTORS_SEED repeats a run; KVMACTORS_SILICON_SECONDS makes it longer.</remarks>
public sealed class SiliconOracleTests(ITestOutputHelper output)
{
    private const double SecondsDefault = 2;
    private const int FailuresShown = 60;

    [Fact]
    public void Every_64_bit_instruction_does_what_the_hosts_cpu_does()
    {
        using var native = NativeCpu.TryCreate(out string whyNot);
        if (native is null)
        {
            output.WriteLine($"Not run: {whyNot}.");
            return;
        }

        Compare(native, CpuMode.Long64, bits: 64);
    }

    [Theory]
    [InlineData(CpuMode.Compatibility32)]
    [InlineData(CpuMode.Protected32)]
    public void Every_32_bit_instruction_does_what_the_hosts_cpu_does(CpuMode mode)
    {
        using var native = NativeCpu.TryCreate(out string whyNot);
        if (native is null || !native.Has32Bits())
        {
            output.WriteLine($"Not run: {(native is null ? whyNot : "the host has no 32-bit code segment")}.");
            return;
        }

        Compare(native, mode, bits: 32);
    }

    [Theory]
    [InlineData(CpuMode.Compatibility16)]
    [InlineData(CpuMode.Protected16)]
    [InlineData(CpuMode.Real16)]
    public void Every_16_bit_instruction_does_what_the_hosts_cpu_does(CpuMode mode)
    {
        using var native = NativeCpu.TryCreate(out string whyNot);
        if (native is null || !native.TryMake16Bits(out whyNot))
        {
            output.WriteLine($"Not run: {whyNot}.");
            return;
        }

        Compare(native, mode, bits: 16);
    }

    [Theory]
    [InlineData(64)]
    [InlineData(32)]
    [InlineData(16)]
    public void Every_form_can_be_made_into_a_case(int bits)
    {
        IReadOnlyList<Code> forms = InstructionForms.Of(bits);
        CaseGenerator generator = new(bits == 16 ? 0 : 0x1000_0000ul, bits);
        Random random = new(1);

        IEnumerable<Code> never = forms.Where(code => generator.TryMake(code, random) is null);

        Assert.Empty(never);
        Assert.True(forms.Count > 400, $"{forms.Count} forms");
    }

    private void Compare(NativeCpu native, CpuMode mode, int bits)
    {
        // ARPL and VEX do not exist in real mode; the host's 16-bit code is in protected mode.
        IReadOnlyList<Code> forms = mode == CpuMode.Real16
            ? [.. InstructionForms.Of(bits).Where(IsInRealMode)]
            : InstructionForms.Of(bits);
        int seed = Number("KVMACTORS_SEED", Environment.TickCount);
        var time = TimeSpan.FromSeconds(Number("KVMACTORS_SILICON_SECONDS", (int)SecondsDefault));
        output.WriteLine($"KVMACTORS_SEED={seed}");
        using EngineCpu engine = new(native.Base, mode);
        CaseGenerator generator = new(bits == 16 ? 0 : native.Base, bits);
        SortedDictionary<string, string> failures = [];
        int cases = 0;
        int rounds = 0;
        var clock = Stopwatch.StartNew();
        for (; rounds == 0 || clock.Elapsed < time; rounds++)
        {
            foreach (Code code in forms)
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

        output.WriteLine($"{forms.Count} forms, {rounds} rounds, {cases} cases.");
        Assert.True(failures.Count == 0, Report(seed, failures.Values));
    }

    private static bool IsInRealMode(Code code) =>
        code.Mnemonic() != Mnemonic.Arpl && code.ToOpCode().Encoding != EncodingKind.VEX;

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
