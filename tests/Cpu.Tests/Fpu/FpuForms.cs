// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.Cpuid.Names;
using KvmActors.Cpu.Execute;
using IcedFeature = Iced.Intel.CpuidFeature;

namespace KvmActors.Cpu.Tests.Fpu;

/// <summary>Every form of the x87 instructions.</summary>
internal static class FpuForms
{
    // WAIT and another instruction in one name; instructions that only old coprocessors have.
    private static readonly Mnemonic[] s_withWait =
    [
        Mnemonic.Feni, Mnemonic.Fdisi, Mnemonic.Fclex, Mnemonic.Finit, Mnemonic.Fsetpm, Mnemonic.Fsave,
        Mnemonic.Fstenv, Mnemonic.Fstcw, Mnemonic.Fstsw, Mnemonic.Fstdw, Mnemonic.Fstsg,
        Mnemonic.Frstpm, Mnemonic.Fnstdw, Mnemonic.Fnstsg,
    ];

    /// <summary>Functions whose results are our own definition; they are compared within a tolerance.</summary>
    public static bool IsTranscendental(Code code) => code.Mnemonic() is
        Mnemonic.Fsin or Mnemonic.Fcos or Mnemonic.Fsincos or Mnemonic.Fptan or Mnemonic.Fpatan
        or Mnemonic.F2xm1 or Mnemonic.Fyl2x or Mnemonic.Fyl2xp1;

    /// <summary>False for those that do not look at exceptions that wait.</summary>
    public static bool IsWaiting(Code code) => code.Mnemonic() is not (
        Mnemonic.Fninit or Mnemonic.Fnclex or Mnemonic.Fnstcw or Mnemonic.Fnstsw or Mnemonic.Fnstenv
        or Mnemonic.Fnsave or Mnemonic.Fneni or Mnemonic.Fndisi or Mnemonic.Fnsetpm);

    public static IReadOnlyList<Code> Of(int bits) => [.. Enum.GetValues<Code>().Where(code => IsForm(code, bits))];

    public static MemorySize MemorySize(Code code)
    {
        Instruction instruction = default;
        instruction.Code = code;
        return instruction.MemorySize;
    }

    private static bool IsForm(Code code, int bits)
    {
        OpCodeInfo form = code.ToOpCode();
        bool isFpu = code.CpuidFeatures().Any(feature =>
            feature is IcedFeature.FPU or IcedFeature.FPU287 or IcedFeature.FPU387);
        return isFpu
            && form.IsInstruction
            && form.IsAvailableInMode(bits)
            && !s_withWait.Contains(code.Mnemonic())
            && (code.Mnemonic() != Mnemonic.Fisttp || EngineFeatures.Current.Executes(CpuidFeatures.Named("sse3")));
    }
}
