// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;

namespace KvmActors.Cpu.Tests.Silicon;

/// <summary>Fills in one operand of an instruction form.</summary>
internal static class OperandChoice
{
    // How many of each list there are without REX.
    private const int EightIn32 = 8;
    private const int NumbersIn32 = 7;

    // No SP, ESP, RSP: the stack pointer stays where the host's stack window is.
    private static readonly Register[] s_bytes =
    [
        Register.AL, Register.CL, Register.DL, Register.BL, Register.AH, Register.CH, Register.DH, Register.BH,
        Register.BPL, Register.SIL, Register.DIL, Register.R8L, Register.R11L, Register.R15L,
    ];

    private static readonly Register[] s_full =
    [
        Register.RAX, Register.RCX, Register.RDX, Register.RBX, Register.RBP, Register.RSI, Register.RDI, Register.R8,
        Register.R9, Register.R10, Register.R11, Register.R12, Register.R13, Register.R14, Register.R15,
    ];

    private static readonly Register[] s_xmm =
        [.. Enumerable.Range(0, 16).Select(number => Register.XMM0 + number)];

    private static readonly Register[] s_mmx = [.. Enumerable.Range(0, 8).Select(number => Register.MM0 + number)];

    public static bool CanChoose(OpCodeOperandKind kind, int bits) => kind is
        OpCodeOperandKind.mem or OpCodeOperandKind.r8_or_mem or OpCodeOperandKind.r16_or_mem
        or OpCodeOperandKind.r32_or_mem or OpCodeOperandKind.r64_or_mem or OpCodeOperandKind.mem_offs
        or OpCodeOperandKind.seg_rSI or OpCodeOperandKind.es_rDI or OpCodeOperandKind.seg_rBX_al
        or OpCodeOperandKind.seg_rDI
        or OpCodeOperandKind.br64_1 or OpCodeOperandKind.br64_4
        or OpCodeOperandKind.br32_1 or OpCodeOperandKind.br32_4
        || (bits == 16 && kind is OpCodeOperandKind.br16_1 or OpCodeOperandKind.br16_2)
        || RegistersOf(kind) is not null
        || FixedRegister(kind) != Register.None
        || Immediate(kind, 0) is not null;

    /// <summary>Sets operand number <paramref name="operand"/>; memory operands get their registers, not their values.
    /// </summary>
    public static void Choose(
        ref Instruction instruction, int operand, OpCodeOperandKind kind, Random random, ulong takenBranch, int bits)
    {
        bool eitherIsMemory = random.Next(2) == 0;
        if (kind is OpCodeOperandKind.mem || (eitherIsMemory && kind is OpCodeOperandKind.r8_or_mem
            or OpCodeOperandKind.r16_or_mem or OpCodeOperandKind.r32_or_mem or OpCodeOperandKind.r64_or_mem
            or OpCodeOperandKind.xmm_or_mem or OpCodeOperandKind.mm_or_mem))
        {
            instruction.SetOpKind(operand, OpKind.Memory);
        }
        else if (RegistersOf(kind) is { } registers)
        {
            int count = bits == 64 ? registers.Length
                : registers == s_bytes || registers == s_xmm || registers == s_mmx ? EightIn32
                : NumbersIn32;
            SetRegister(ref instruction, operand, registers[random.Next(count)]);
        }
        else if (FixedRegister(kind) is var register and not Register.None)
        {
            SetRegister(ref instruction, operand, register);
        }
        else if (Immediate(kind, EdgyNumber.Next(random)) is { } immediate)
        {
            instruction.SetOpKind(operand, immediate.Kind);
            instruction.SetImmediate(operand, immediate.Value);
        }
        else
        {
            ChooseImplied(ref instruction, operand, kind, takenBranch, bits);
        }
    }

    /// <summary>The number of a register other than RSP.</summary>
    public static int Number(Random random, int bits) =>
        s_full[random.Next(bits == 64 ? s_full.Length : NumbersIn32)] - Register.RAX;

    private static void SetRegister(ref Instruction instruction, int operand, Register register)
    {
        instruction.SetOpKind(operand, OpKind.Register);
        instruction.SetOpRegister(operand, register);
    }

    private static void ChooseImplied(
        ref Instruction instruction, int operand, OpCodeOperandKind kind, ulong takenBranch, int bits)
    {
        switch (kind)
        {
            case OpCodeOperandKind.mem_offs:
                instruction.SetOpKind(operand, OpKind.Memory);
                break;
            case OpCodeOperandKind.seg_rSI:
                instruction.SetOpKind(operand, bits switch
                {
                    64 => OpKind.MemorySegRSI,
                    32 => OpKind.MemorySegESI,
                    _ => OpKind.MemorySegSI,
                });
                break;
            case OpCodeOperandKind.seg_rDI:
                instruction.SetOpKind(operand, bits switch
                {
                    64 => OpKind.MemorySegRDI,
                    32 => OpKind.MemorySegEDI,
                    _ => OpKind.MemorySegDI,
                });
                break;
            case OpCodeOperandKind.es_rDI:
                instruction.SetOpKind(operand, bits switch
                {
                    64 => OpKind.MemoryESRDI,
                    32 => OpKind.MemoryESEDI,
                    _ => OpKind.MemoryESDI,
                });
                break;
            case OpCodeOperandKind.seg_rBX_al:
                instruction.SetOpKind(operand, OpKind.Memory);
                instruction.MemoryBase = bits switch
                {
                    64 => Register.RBX,
                    32 => Register.EBX,
                    _ => Register.BX,
                };
                instruction.MemoryIndex = Register.AL;
                break;
            default:
                instruction.SetOpKind(operand, kind switch
                {
                    OpCodeOperandKind.br16_1 or OpCodeOperandKind.br16_2 => OpKind.NearBranch16,
                    OpCodeOperandKind.br32_1 or OpCodeOperandKind.br32_4 => OpKind.NearBranch32,
                    _ => OpKind.NearBranch64,
                });
                instruction.NearBranch64 = takenBranch;
                break;
        }
    }

    private static Register[]? RegistersOf(OpCodeOperandKind kind) => kind switch
    {
        OpCodeOperandKind.r8_or_mem or OpCodeOperandKind.r8_reg or OpCodeOperandKind.r8_opcode => s_bytes,
        OpCodeOperandKind.r16_or_mem or OpCodeOperandKind.r16_reg or OpCodeOperandKind.r16_opcode
            or OpCodeOperandKind.r16_rm => Of(Register.AX),
        OpCodeOperandKind.r32_or_mem or OpCodeOperandKind.r32_reg or OpCodeOperandKind.r32_opcode
            or OpCodeOperandKind.r32_rm or OpCodeOperandKind.r32_vvvv => Of(Register.EAX),
        OpCodeOperandKind.r64_or_mem or OpCodeOperandKind.r64_reg or OpCodeOperandKind.r64_opcode
            or OpCodeOperandKind.r64_rm or OpCodeOperandKind.r64_vvvv => s_full,
        OpCodeOperandKind.xmm_or_mem or OpCodeOperandKind.xmm_reg or OpCodeOperandKind.xmm_rm => s_xmm,
        OpCodeOperandKind.mm_or_mem or OpCodeOperandKind.mm_reg or OpCodeOperandKind.mm_rm => s_mmx,
        _ => null,
    };

    private static Register[] Of(Register first) => [.. s_full.Select(full => first + (full - Register.RAX))];

    private static Register FixedRegister(OpCodeOperandKind kind) => kind switch
    {
        OpCodeOperandKind.al => Register.AL,
        OpCodeOperandKind.cl => Register.CL,
        OpCodeOperandKind.ax => Register.AX,
        OpCodeOperandKind.eax => Register.EAX,
        OpCodeOperandKind.rax => Register.RAX,
        _ => Register.None,
    };

    private static (OpKind Kind, ulong Value)? Immediate(OpCodeOperandKind kind, ulong number) => kind switch
    {
        OpCodeOperandKind.imm8 => (OpKind.Immediate8, (byte)number),
        OpCodeOperandKind.imm8_const_1 => (OpKind.Immediate8, 1),
        OpCodeOperandKind.imm8sex16 => (OpKind.Immediate8to16, (ulong)(sbyte)number),
        OpCodeOperandKind.imm8sex32 => (OpKind.Immediate8to32, (ulong)(sbyte)number),
        OpCodeOperandKind.imm8sex64 => (OpKind.Immediate8to64, (ulong)(sbyte)number),
        OpCodeOperandKind.imm16 => (OpKind.Immediate16, (ushort)number),
        OpCodeOperandKind.imm32 => (OpKind.Immediate32, (uint)number),
        OpCodeOperandKind.imm32sex64 => (OpKind.Immediate32to64, (ulong)(int)number),
        OpCodeOperandKind.imm64 => (OpKind.Immediate64, number),
        _ => null,
    };
}
