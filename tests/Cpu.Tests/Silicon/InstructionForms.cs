// SPDX-License-Identifier: Apache-2.0

using System.Collections.Frozen;
using Iced.Intel;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Cpuid.Names;
using KvmActors.Cpu.Execute;

namespace KvmActors.Cpu.Tests.Silicon;

/// <summary>Every form of the integer instructions that user code may execute without a fault.</summary>
internal static class InstructionForms
{
    private static readonly FrozenSet<Mnemonic> s_mnemonics = Mnemonics(
        "Add Adc Sub Sbb And Or Xor Cmp Test Inc Dec Neg Not Mov Lea Xchg Xadd Cmpxchg Cmpxchg8b Cmpxchg16b",
        "Shl Shr Sar Sal Rol Ror Rcl Rcr Shld Shrd Mul Imul Div Idiv",
        "Bt Bts Btr Btc Bsf Bsr Bswap Cbw Cwde Cdqe Cwd Cdq Cqo Movsx Movsxd Movzx",
        "Lahf Sahf Clc Stc Cmc Cld Std Nop Pause Xlatb Push Pop Pushfq Enter Leave",
        "Aaa Aas Daa Das Aam Aad Salc Arpl Pusha Pushad Popa Popad Pushfd",
        "Movsb Movsw Movsd Movsq Cmpsb Cmpsw Cmpsd Cmpsq Stosb Stosw Stosd Stosq Lodsb Lodsw Lodsd Lodsq",
        "Scasb Scasw Scasd Scasq",
        "Popcnt Lzcnt Tzcnt Andn Bextr Blsi Blsmsk Blsr Bzhi Mulx Pdep Pext Rorx Sarx Shlx Shrx Adcx Adox Movbe",
        "Jmp Call Ret Loop Loope Loopne Jcxz Jecxz Jrcxz",
        "Jo Jno Jb Jae Je Jne Jbe Ja Js Jns Jp Jnp Jl Jge Jle Jg",
        "Seto Setno Setb Setae Sete Setne Setbe Seta Sets Setns Setp Setnp Setl Setge Setle Setg",
        "Cmovo Cmovno Cmovb Cmovae Cmove Cmovne Cmovbe Cmova Cmovs Cmovns Cmovp Cmovnp Cmovl Cmovge Cmovle Cmovg");

    private static readonly FrozenDictionary<Iced.Intel.CpuidFeature, string> s_features =
        new Dictionary<Iced.Intel.CpuidFeature, string>
        {
            [Iced.Intel.CpuidFeature.LZCNT] = "abm",
            [Iced.Intel.CpuidFeature.POPCNT] = "popcnt",
            [Iced.Intel.CpuidFeature.BMI1] = "bmi1",
            [Iced.Intel.CpuidFeature.BMI2] = "bmi2",
            [Iced.Intel.CpuidFeature.ADX] = "adx",
            [Iced.Intel.CpuidFeature.MOVBE] = "movbe",
            [Iced.Intel.CpuidFeature.CMPXCHG16B] = "cx16",
            [Iced.Intel.CpuidFeature.CX8] = "cx8",
            [Iced.Intel.CpuidFeature.CMOV] = "cmov",
        }.ToFrozenDictionary();

    // Undefined result (BSWAP of 16 bits); far branches.
    private static readonly FrozenSet<Code> s_leftOut =
        ((Code[])
        [
            Code.Bswap_r16,
            Code.Jmp_m1616, Code.Jmp_m1632, Code.Jmp_m1664, Code.Call_m1616, Code.Call_m1632, Code.Call_m1664,
        ]).ToFrozenSet();

    // They cut RIP to 16 bits: out of the block, but for 16-bit code.
    private static readonly FrozenSet<Code> s_leftOutOfWideCode =
        ((Code[])[Code.Jmp_rm16, Code.Call_rm16, Code.Retnw, Code.Retnw_imm16]).ToFrozenSet();

    /// <summary>Forms of 64-bit code that both the host and the engine have.</summary>
    public static IReadOnlyList<Code> Of64Bits { get; } = Forms(64);

    /// <summary>Forms of 32-bit code that both the host and the engine have.</summary>
    public static IReadOnlyList<Code> Of32Bits { get; } = Forms(32);

    /// <summary>Forms of 16-bit code that both the host and the engine have.</summary>
    public static IReadOnlyList<Code> Of16Bits { get; } = Forms(16);

    public static IReadOnlyList<Code> Of(int bits) => bits == 64 ? Of64Bits : bits == 32 ? Of32Bits : Of16Bits;

    private static Code[] Forms(int bits) =>
        [.. Enum.GetValues<Code>().Where(code => IsIntegerForm(code, bits) && IsThere(code))];

    private static bool IsIntegerForm(Code code, int bits)
    {
        OpCodeInfo form = code.ToOpCode();
        return form.IsInstruction
            && form.IsAvailableInMode(bits)
            && (bits == 16 || !s_leftOutOfWideCode.Contains(code))
            && s_mnemonics.Contains(code.Mnemonic())
            && !s_leftOut.Contains(code)
            && form.Encoding is EncodingKind.Legacy or EncodingKind.VEX
            && Enumerable.Range(0, form.OpCount).All(operand => OperandChoice.CanChoose(form.GetOpKind(operand), bits));
    }

    private static bool IsThere(Code code) => code.CpuidFeatures().All(feature =>
        s_features.TryGetValue(feature, out string? name)
            ? HostCpuid.Read().Has(CpuidFeatures.Named(name))
                && EngineFeatures.Current.Executes(CpuidFeatures.Named(name))
            : feature is Iced.Intel.CpuidFeature.INTEL8086 or Iced.Intel.CpuidFeature.INTEL186
                or Iced.Intel.CpuidFeature.INTEL286 or Iced.Intel.CpuidFeature.INTEL386
                or Iced.Intel.CpuidFeature.INTEL486 or Iced.Intel.CpuidFeature.X64
                or Iced.Intel.CpuidFeature.INTEL8086_ONLY or Iced.Intel.CpuidFeature.INTEL286_ONLY
                or Iced.Intel.CpuidFeature.MULTIBYTENOP or Iced.Intel.CpuidFeature.PAUSE);

    private static FrozenSet<Mnemonic> Mnemonics(params string[] lines) =>
        lines.SelectMany(line => line.Split(' ')).Select(name => Enum.Parse<Mnemonic>(name)).ToFrozenSet();
}
