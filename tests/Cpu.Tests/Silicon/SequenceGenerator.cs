// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.State;
using KvmActors.Cpu.Tests.Simd;

namespace KvmActors.Cpu.Tests.Silicon;

/// <summary>Makes random runs of 64-bit instructions, half of the runs with MMX and SSE, with jumps forward; none reads
/// an undefined flag.</summary>
/// <param name="blockBase">Linear address of the block of <see cref="SiliconLayout"/>.</param>
internal sealed class SequenceGenerator(ulong blockBase)
{
    private const int LengthMax = 32;
    private const int JumpLengthMax = 4;
    private const int TriesMax = 1000;

    private static readonly Code[] s_jumps =
    [
        Code.Jo_rel8_64, Code.Jno_rel8_64, Code.Jb_rel8_64, Code.Jae_rel8_64, Code.Je_rel8_64, Code.Jne_rel8_64,
        Code.Jbe_rel8_64, Code.Ja_rel8_64, Code.Js_rel8_64, Code.Jns_rel8_64, Code.Jp_rel8_64, Code.Jnp_rel8_64,
        Code.Jl_rel8_64, Code.Jge_rel8_64, Code.Jle_rel8_64, Code.Jg_rel8_64,
    ];

    private static readonly Code[] s_straight = [.. InstructionForms.Of64Bits.Where(IsStraight)];
    private static readonly Code[] s_vector = [.. SimdForms.Of(64).Where(IsStraightVector)];

    private readonly VectorContents _contents = new();

    public SiliconCase Make(Random random)
    {
        ulong address = blockBase + SiliconLayout.Code + (ulong)random.Next(2048);
        List<Instruction> instructions = [];
        UndefinedFlagTracker undefined = new();
        int length = random.Next(2, LengthMax);
        bool hasVectors = random.Next(2) == 0;
        for (int attempt = 0; instructions.Count < length && attempt < TriesMax; attempt++)
        {
            // Instructions are numbered; BlockEncoder turns the numbers into addresses.
            Instruction instruction = random.Next(6) == 0 && instructions.Count < length - 1
                ? Jump(random, instructions.Count, length)
                : Straight(random, hasVectors && random.Next(2) == 0 ? s_vector : s_straight);
            if (undefined.TryAppend(instruction, instructions.Count))
            {
                instruction.IP = (ulong)instructions.Count + 1;
                instructions.Add(instruction);
            }
        }

        // Chance found no further instruction: jumps still have to have a target.
        while (instructions.Count < length)
        {
            instructions.Add(Instruction.Create(Code.Nopd) with { IP = (ulong)instructions.Count + 1 });
        }

        return new SiliconCase
        {
            Instructions = instructions,
            Bits = 64,
            Bytes = Encode(instructions, address),
            Address = address,
            Gprs = Registers(random),
            RFlags = CaseGenerator.Flags(random),
            Data = Filled(instructions, random, SiliconLayout.DataBytes),
            Stack = Filled(instructions, random, SiliconLayout.StackBytes),
            FxState = hasVectors ? _contents.FxState(instructions[^1], random) : null,
            UndefinedFlags = undefined.AtEnd,
            IsRun = true,
        };
    }

    /// <summary>Another program in the place of this one, on the same registers and memory.</summary>
    /// <param name="program">Where the rest comes from.</param>
    /// <param name="instructions">Numbered from 1 on, which is also what their jumps say.</param>
    public static SiliconCase With(
        SiliconCase program, IReadOnlyList<Instruction> instructions, ulong undefinedFlags) => new()
        {
            Instructions = instructions,
            Bits = program.Bits,
            Bytes = Encode(instructions, program.Address),
            Address = program.Address,
            Gprs = program.Gprs,
            RFlags = program.RFlags,
            Data = program.Data,
            Stack = program.Stack,
            FxState = program.FxState,
            UndefinedFlags = undefinedFlags,
            IsRun = true,
        };

    private static bool IsStraight(Code code) => code.Mnemonic() is not (
            Mnemonic.Div or Mnemonic.Idiv or Mnemonic.Bsf or Mnemonic.Bsr or Mnemonic.Xlatb
            or Mnemonic.Push or Mnemonic.Pop or Mnemonic.Pushfq or Mnemonic.Enter or Mnemonic.Leave
            or Mnemonic.Jmp or Mnemonic.Call or Mnemonic.Ret or Mnemonic.Loop or Mnemonic.Loope or Mnemonic.Loopne
            or Mnemonic.Jcxz or Mnemonic.Jecxz or Mnemonic.Jrcxz)
        && code.FlowControl() == FlowControl.Next
        && !code.IsStringInstruction()
        && code is not (Code.Shld_rm16_r16_CL or Code.Shrd_rm16_r16_CL or Code.Shld_rm16_r16_imm8
            or Code.Shrd_rm16_r16_imm8);

    /// <summary>Not those that fault, that write where a register says, and that are each maker's own.</summary>
    private static bool IsStraightVector(Code code) => code.Mnemonic() is not (
            Mnemonic.Ldmxcsr or Mnemonic.Maskmovq or Mnemonic.Maskmovdqu
            or Mnemonic.Rcpps or Mnemonic.Rcpss or Mnemonic.Rsqrtps or Mnemonic.Rsqrtss
            or Mnemonic.Dpps or Mnemonic.Dppd)
        && code.FlowControl() == FlowControl.Next;

    private static Instruction Jump(Random random, int position, int length)
    {
        int target = Math.Min(length - 1, position + random.Next(1, JumpLengthMax + 2));
        return Instruction.CreateBranch(s_jumps[random.Next(s_jumps.Length)], (ulong)target + 1);
    }

    private Instruction Straight(Random random, Code[] forms)
    {
        while (true)
        {
            Code code = forms[random.Next(forms.Length)];
            Instruction instruction = CaseGenerator.Form(code, random, takenBranch: 0, bits: 64);
            bool addressed = !CaseOperands.HasMemory(instruction) || TryAddress(ref instruction, random);
            if (addressed && CaseGenerator.Encode(instruction, blockBase + SiliconLayout.Code, bits: 64) is not null)
            {
                return instruction;
            }
        }
    }

    /// <summary>Fixed addresses only, so that no register needs a particular value.</summary>
    private bool TryAddress(ref Instruction instruction, Random random)
    {
        bool reaches = instruction.Mnemonic is Mnemonic.Bt or Mnemonic.Bts or Mnemonic.Btr or Mnemonic.Btc
            && instruction.Op1Kind == OpKind.Register;
        ulong target = blockBase + SiliconLayout.Data + (ulong)random.Next(SiliconLayout.DataBytes - 16);
        instruction.MemoryIndexScale = 1;
        instruction.MemoryBase = MemoryForm.IsAbsoluteOnly(instruction) ? Register.None : Register.RIP;
        instruction.MemoryDisplSize = 8;
        instruction.MemoryDisplacement64 = target & ~(MemoryForm.Alignment(instruction) - 1);
        return !reaches;
    }

    private static byte[] Encode(IEnumerable<Instruction> instructions, ulong address)
    {
        CaseGenerator.CodeBytes writer = new();
        InstructionBlock block = new(writer, [.. instructions], address);
        return BlockEncoder.TryEncode(64, block, out string? error, out _)
            ? writer.Bytes
            : throw new InvalidOperationException(error);
    }

    private ulong[] Registers(Random random)
    {
        ulong[] gprs = [.. Enumerable.Range(0, 16).Select(_ => EdgyNumber.Next(random))];
        gprs[(int)Gpr.Rsp] = blockBase + SiliconLayout.Stack;
        return gprs;
    }

    /// <summary>Pieces, each as one of the instructions likes it.</summary>
    private byte[] Filled(List<Instruction> instructions, Random random, int count)
    {
        const int PieceBytes = 64;
        byte[] bytes = new byte[count];
        for (int at = 0; at < count; at += PieceBytes)
        {
            _contents.Fill(instructions[random.Next(instructions.Count)], random, bytes.AsSpan(at, PieceBytes));
        }

        return bytes;
    }
}
