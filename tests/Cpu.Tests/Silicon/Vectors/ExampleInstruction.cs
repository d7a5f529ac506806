// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;

namespace KvmActors.Cpu.Tests.Silicon.Vectors;

/// <summary>One instruction of any form, with memory at RBX and the first registers of each list.</summary>
internal static class ExampleInstruction
{
    private const uint BranchTarget = 0x2000_2040;

    /// <summary>False if the form cannot be made for code of so many bits.</summary>
    public static bool TryMake(Code code, int bits, out Instruction instruction)
    {
        instruction = default;
        instruction.Code = code;
        OpCodeInfo form = code.ToOpCode();
        bool isVector = form.Encoding is not (EncodingKind.Legacy or EncodingKind.VEX);
        if (!form.IsInstruction || !form.IsAvailableInMode(bits) || isVector)
        {
            return false;
        }

        for (int operand = 0; operand < form.OpCount; operand++)
        {
            if (!TrySet(ref instruction, operand, form.GetOpKind(operand), bits))
            {
                return false;
            }
        }

        if (instruction.Mnemonic == Mnemonic.Enter)
        {
            instruction.Op1Kind = OpKind.Immediate8_2nd;
        }

        return true;
    }

    private static bool TrySet(ref Instruction instruction, int operand, OpCodeOperandKind kind, int bits)
    {
        if (RegisterOf(kind, operand) is var register and not Register.None)
        {
            instruction.SetOpKind(operand, OpKind.Register);
            instruction.SetOpRegister(operand, register);
            return true;
        }

        if (ImmediateOf(kind) is { } immediate)
        {
            instruction.SetOpKind(operand, immediate);
            instruction.SetImmediate(operand, 1);
            return true;
        }

        if (BranchOf(kind) is { } branch)
        {
            instruction.SetOpKind(operand, branch);
            instruction.NearBranch64 = bits == 16 ? BranchTarget & 0xFFFF : BranchTarget;
            return true;
        }

        return TrySetMemory(ref instruction, operand, kind, bits);
    }

    private static bool TrySetMemory(ref Instruction instruction, int operand, OpCodeOperandKind kind, int bits)
    {
        switch (kind)
        {
            case OpCodeOperandKind.farbr2_2 or OpCodeOperandKind.farbr4_2:
                bool isWide = kind == OpCodeOperandKind.farbr4_2;
                instruction.SetOpKind(operand, isWide ? OpKind.FarBranch32 : OpKind.FarBranch16);
                return true;
            case OpCodeOperandKind.mem or OpCodeOperandKind.mem_mib:
                instruction.SetOpKind(operand, OpKind.Memory);
                instruction.MemoryBase = bits switch
                {
                    64 => Register.RBX,
                    32 => Register.EBX,
                    _ => Register.BX,
                };
                return true;
            case OpCodeOperandKind.mem_offs:
                instruction.SetOpKind(operand, OpKind.Memory);
                instruction.MemoryDisplSize = bits / 8;
                return true;
            case OpCodeOperandKind.seg_rSI or OpCodeOperandKind.es_rDI or OpCodeOperandKind.seg_rDI
                or OpCodeOperandKind.seg_rBX_al:
                OperandChoice.Choose(ref instruction, operand, kind, new Random(1), 0, bits);
                return true;
            default:
                return false;
        }
    }

    private static Register RegisterOf(OpCodeOperandKind kind, int operand) => kind switch
    {
        OpCodeOperandKind.r8_or_mem or OpCodeOperandKind.r8_reg or OpCodeOperandKind.r8_opcode => Register.CL,
        OpCodeOperandKind.r16_or_mem or OpCodeOperandKind.r16_reg or OpCodeOperandKind.r16_reg_mem
            or OpCodeOperandKind.r16_rm or OpCodeOperandKind.r16_opcode => Register.CX,
        OpCodeOperandKind.r32_or_mem or OpCodeOperandKind.r32_reg or OpCodeOperandKind.r32_reg_mem
            or OpCodeOperandKind.r32_rm or OpCodeOperandKind.r32_opcode or OpCodeOperandKind.r32_vvvv => Register.ECX,
        OpCodeOperandKind.r64_or_mem or OpCodeOperandKind.r64_reg or OpCodeOperandKind.r64_reg_mem
            or OpCodeOperandKind.r64_rm or OpCodeOperandKind.r64_opcode or OpCodeOperandKind.r64_vvvv => Register.RCX,
        OpCodeOperandKind.mm_or_mem or OpCodeOperandKind.mm_reg or OpCodeOperandKind.mm_rm => Register.MM1 + operand,
        OpCodeOperandKind.xmm_or_mem or OpCodeOperandKind.xmm_reg or OpCodeOperandKind.xmm_rm =>
            Register.XMM1 + operand,
        OpCodeOperandKind.seg_reg => Register.ES,
        OpCodeOperandKind.cr_reg => Register.CR0,
        OpCodeOperandKind.dr_reg => Register.DR0,
        OpCodeOperandKind.es => Register.ES,
        OpCodeOperandKind.cs => Register.CS,
        OpCodeOperandKind.ss => Register.SS,
        OpCodeOperandKind.ds => Register.DS,
        OpCodeOperandKind.fs => Register.FS,
        OpCodeOperandKind.gs => Register.GS,
        OpCodeOperandKind.al => Register.AL,
        OpCodeOperandKind.cl => Register.CL,
        OpCodeOperandKind.ax => Register.AX,
        OpCodeOperandKind.dx => Register.DX,
        OpCodeOperandKind.eax => Register.EAX,
        OpCodeOperandKind.rax => Register.RAX,
        OpCodeOperandKind.st0 => Register.ST0,
        OpCodeOperandKind.sti_opcode => Register.ST1,
        _ => Register.None,
    };

    private static OpKind? ImmediateOf(OpCodeOperandKind kind) => kind switch
    {
        OpCodeOperandKind.imm8 or OpCodeOperandKind.imm8_const_1 => OpKind.Immediate8,
        OpCodeOperandKind.imm8sex16 => OpKind.Immediate8to16,
        OpCodeOperandKind.imm8sex32 => OpKind.Immediate8to32,
        OpCodeOperandKind.imm8sex64 => OpKind.Immediate8to64,
        OpCodeOperandKind.imm16 => OpKind.Immediate16,
        OpCodeOperandKind.imm32 => OpKind.Immediate32,
        OpCodeOperandKind.imm32sex64 => OpKind.Immediate32to64,
        OpCodeOperandKind.imm64 => OpKind.Immediate64,
        _ => null,
    };

    private static OpKind? BranchOf(OpCodeOperandKind kind) => kind switch
    {
        OpCodeOperandKind.br16_1 or OpCodeOperandKind.br16_2 => OpKind.NearBranch16,
        OpCodeOperandKind.br32_1 or OpCodeOperandKind.br32_4 => OpKind.NearBranch32,
        OpCodeOperandKind.br64_1 or OpCodeOperandKind.br64_4 => OpKind.NearBranch64,
        _ => null,
    };
}
