// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using Iced.Intel;
using KvmActors.Cpu.Execute.Simd;

namespace KvmActors.Cpu.Tests.Translate;

/// <summary>Random instructions of SSE to SSE4.2, of every form the engine has.</summary>
/// <param name="random">What they are made of.</param>
/// <param name="general">A general register of so many bits.</param>
internal sealed unsafe class LockstepVectors(Random random, Func<int, Register> general)
{
    private const int Alignment = 16;

    private static readonly ImmutableArray<Code> s_codes = FindCodes();

    /// <summary>One of them; memory operands lie in the data.</summary>
    public Instruction Next()
    {
        Code code = s_codes[random.Next(s_codes.Length)];
        Instruction instruction = default;
        instruction.Code = code;
        OpCodeInfo info = code.ToOpCode();
        for (int operand = 0; operand < info.OpCount; operand++)
        {
            Set(ref instruction, operand, info.GetOpKind(operand));
        }

        return instruction;
    }

    private static ImmutableArray<Code> FindCodes()
    {
        List<Code> codes = [];
        foreach (Code code in Enum.GetValues<Code>())
        {
            OpCodeInfo info = code.ToOpCode();
            if (SimdInstructions.Table[code].Form != null && info.Mode64
                && Enumerable.Range(0, info.OpCount).All(operand => IsKnown(info.GetOpKind(operand)))
                && code.Mnemonic() is not Mnemonic.Ldmxcsr)
            {
                codes.Add(code);
            }
        }

        return [.. codes];
    }

    private static bool IsKnown(OpCodeOperandKind kind) => kind
        is OpCodeOperandKind.xmm_reg or OpCodeOperandKind.xmm_rm or OpCodeOperandKind.xmm_or_mem
        or OpCodeOperandKind.r32_reg or OpCodeOperandKind.r64_reg or OpCodeOperandKind.r32_rm
        or OpCodeOperandKind.r64_rm or OpCodeOperandKind.r32_or_mem or OpCodeOperandKind.r64_or_mem
        or OpCodeOperandKind.mem or OpCodeOperandKind.imm8;

    private void Set(ref Instruction instruction, int operand, OpCodeOperandKind kind)
    {
        switch (kind)
        {
            case OpCodeOperandKind.imm8:
                instruction.SetOpKind(operand, OpKind.Immediate8);
                instruction.Immediate8 = (byte)random.Next(256);
                break;
            case OpCodeOperandKind.mem:
                SetMemory(ref instruction, operand);
                break;
            case OpCodeOperandKind.xmm_or_mem or OpCodeOperandKind.r32_or_mem or OpCodeOperandKind.r64_or_mem
                when random.Next(3) == 0:
                SetMemory(ref instruction, operand);
                break;
            case OpCodeOperandKind.r32_reg or OpCodeOperandKind.r32_rm or OpCodeOperandKind.r32_or_mem:
                instruction.SetOpRegister(operand, general(32));
                break;
            case OpCodeOperandKind.r64_reg or OpCodeOperandKind.r64_rm or OpCodeOperandKind.r64_or_mem:
                instruction.SetOpRegister(operand, general(64));
                break;
            default:
                instruction.SetOpRegister(operand, Register.XMM0 + random.Next(16));
                break;
        }
    }

    /// <summary>Mostly aligned: an operand that is not ends most programs, by #GP.</summary>
    private void SetMemory(ref Instruction instruction, int operand)
    {
        ulong offset = (ulong)random.Next((int)LockstepProgram.DataBytes - Alignment);
        bool isAligned = SimdInstructions.Table[instruction.Code].IsAligned && random.Next(100) != 0;
        instruction.SetOpKind(operand, OpKind.Memory);
        instruction.MemoryBase = Register.RIP;
        instruction.MemoryDisplSize = 8;
        instruction.MemoryDisplacement64 =
            LockstepProgram.DataStart + (isAligned ? offset & ~(ulong)(Alignment - 1) : offset);
    }
}
