// SPDX-License-Identifier: Apache-2.0

using System.Globalization;
using Iced.Intel;
using KvmActors.Cpu.State;
using KvmActors.Cpu.Tests.Silicon;
using Xunit;
using Xunit.Abstractions;

namespace KvmActors.Cpu.Tests.Simd;

/// <summary>SIMD floating-point exceptions that are not masked, against the CPU below us: whether there is one, which
/// flags it leaves, and that nothing else changes.</summary>
/// <remarks>KVMACTORS_SEED repeats a run; KVMACTORS_SILICON_ROUNDS makes it longer.</remarks>
public sealed class SimdUnmaskedTests(ITestOutputHelper output)
{
    private const int RoundsDefault = 60;
    private const int FailuresShown = 60;

    [Fact]
    public void An_exception_that_is_not_masked_leaves_what_the_hosts_CPU_leaves()
    {
        using var native = NativeCpu.TryCreate(out string whyNot);
        if (native is null)
        {
            output.WriteLine($"Not run: {whyNot}.");
            return;
        }

        int seed = Number("KVMACTORS_SEED", Environment.TickCount);
        int rounds = Number("KVMACTORS_SILICON_ROUNDS", RoundsDefault);
        output.WriteLine($"KVMACTORS_SEED={seed}");
        Code[] forms = [.. SimdForms.Of(64).Where(MayRaise)];
        using EngineCpu engine = new(native.Base, CpuMode.Long64);
        VectorContents contents = new() { Masks = random => ((uint)random.Next() & 0x3F) << 7 };
        CaseGenerator generator = new(native.Base, bits: 64, contents);
        SortedDictionary<string, string> failures = [];
        int faults = 0;
        foreach (Code code in forms)
        {
            for (int round = 0; round < rounds && !failures.ContainsKey(code.ToString()); round++)
            {
                Random random = new(unchecked((seed * 31) + (round * 7919) + (int)code));
                SiliconCase made = generator.TryMake(code, random)
                    ?? throw new InvalidOperationException($"No case of {code} can be made.");
                (SiliconResult expected, bool hasFaulted) = native.ExecuteUnmasked(made);
                faults += hasFaulted ? 1 : 0;
                if (Difference(engine, made, expected, hasFaulted) is { } difference)
                {
                    failures[code.ToString()] = $"{code}, round {round}: {difference}: {SimdCaseText.Of(made)}";
                }
            }
        }

        output.WriteLine($"{forms.Length} forms, {rounds} rounds, {faults} faults.");
        Assert.True(
            failures.Count == 0,
            $"KVMACTORS_SEED={seed}: {failures.Count} of {forms.Length} forms differ.\n"
            + string.Join('\n', failures.Values.Take(FailuresShown)));
        Assert.True(faults > forms.Length, $"{faults} faults");
    }

    private static string? Difference(EngineCpu engine, SiliconCase made, SiliconResult expected, bool hasFaulted)
    {
        (SiliconResult? found, string failure) = hasFaulted ? engine.ExecuteFault(made) : engine.Execute(made);
        if (found is null)
        {
            return $"{(hasFaulted ? "the host faults, " : "")}{failure}";
        }

        MakersOwn.Unify(made, expected.FxState, found.FxState);
        return expected.DifferenceTo(found, made.UndefinedFlags)
            ?? FxStateDifference.Of(expected.FxState, found.FxState, xmmCount: 16);
    }

    /// <summary>Forms of floating-point elements that compute; loads of MXCSR would only make what they load.</summary>
    private static bool MayRaise(Code code)
    {
        string name = code.Mnemonic().ToString();
        bool isFloat = code.ToOpCode().MemorySize.GetElementType() is MemorySize.Float32 or MemorySize.Float64;
        return isFloat || name.StartsWith("Cvt", StringComparison.Ordinal);
    }

    private static int Number(string name, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), CultureInfo.InvariantCulture, out int number)
            ? number
            : otherwise;
}
