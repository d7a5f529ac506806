// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;

namespace KvmActors.Cpu.Translate;

/// <summary>Moves of general registers, memory and immediates, the extending moves, LEA, XCHG of registers, SETcc and
/// CMOVcc.</summary>
internal static class RegisterForms
{
    /// <summary>Emits the instruction; false, with nothing emitted, if it has no form here.</summary>
    public static bool TryEmit(BlockTranslation translation)
    {
        ref readonly Instruction instruction = ref translation.Instruction;
        switch (instruction.Mnemonic)
        {
            case Mnemonic.Mov when HasOnlyGeneralRegisters(instruction):
                EmitMove(translation);
                return true;
            case Mnemonic.Lea:
                int addressBytes = MemoryAddress.AddressBytes(instruction);
                EmitAddress(translation, addressBytes);
                return true;
            case Mnemonic.Movzx:
                EmitExtend(translation, HostOpcode.MoveZeroExtend8, HostOpcode.MoveZeroExtend16, HostOpcode.MoveFromRm);
                return true;
            case Mnemonic.Movsx or Mnemonic.Movsxd:
                EmitExtend(
                    translation, HostOpcode.MoveSignExtend8, HostOpcode.MoveSignExtend16, HostOpcode.MoveSignExtend32);
                return true;
            case Mnemonic.Cwde or Mnemonic.Cdqe or Mnemonic.Cdq or Mnemonic.Cqo:
                EmitExtendAccumulator(translation);
                return true;
            case Mnemonic.Xchg when instruction.Op0Kind == OpKind.Register && instruction.Op1Kind == OpKind.Register:
                EmitExchange(translation);
                return true;
            case Mnemonic.Nop or Mnemonic.Pause or Mnemonic.Endbr64 or Mnemonic.Prefetchnta or Mnemonic.Prefetcht0
                or Mnemonic.Prefetcht1 or Mnemonic.Prefetcht2 or Mnemonic.Prefetchw:
                return true;
            default:
                return TryEmitConditional(translation);
        }
    }

    /// <summary>False for moves to and from segment, control and debug registers.</summary>
    public static bool HasOnlyGeneralRegisters(in Instruction instruction) =>
        (instruction.Op0Kind != OpKind.Register || instruction.Op0Register.IsGPR())
        && (instruction.Op1Kind != OpKind.Register || instruction.Op1Register.IsGPR());

    private static void EmitAddress(BlockTranslation translation, int addressBytes)
    {
        Register to = translation.Instruction.Op0Register;
        if (to.GetSize() >= 4 && HostLayout.IsDirect(to) && MemoryAddress.IsOneLea(translation.Instruction))
        {
            MemoryAddress.FormOffset(translation, HostLayout.PinnedOf(to), Math.Min(addressBytes, to.GetSize()));
            return;
        }

        MemoryAddress.FormOffset(translation, HostLayout.Address, addressBytes);
        translation.Write(to, HostLayout.Address);
    }

    private static void EmitMove(BlockTranslation translation)
    {
        ref readonly Instruction instruction = ref translation.Instruction;
        if (instruction.Op0Kind == OpKind.Memory)
        {
            EmitStore(translation);
        }
        else if (instruction.Op1Kind == OpKind.Memory)
        {
            EmitLoad(translation, HostOpcode.MoveFromRm, instruction.Op0Register.GetSize());
        }
        else if (instruction.Op1Kind == OpKind.Register)
        {
            EmitMoveOfRegister(translation);
        }
        else
        {
            EmitConstant(translation);
        }
    }

    private static void EmitMoveOfRegister(BlockTranslation translation)
    {
        ref readonly Instruction instruction = ref translation.Instruction;
        HostRegister from = translation.Read(instruction.Op1Register, HostLayout.Value);
        if (from == HostLayout.Value)
        {
            translation.WriteExtending(instruction.Op0Register, from);
        }
        else
        {
            translation.Write(instruction.Op0Register, from);
        }
    }

    private static void EmitConstant(BlockTranslation translation)
    {
        ref readonly Instruction instruction = ref translation.Instruction;
        Register to = instruction.Op0Register;
        ulong value = instruction.GetImmediate(1);
        bool isWide = to.GetSize() >= 4;
        value = to.GetSize() == 4 ? (uint)value : value;
        if (isWide && HostLayout.IsDirect(to))
        {
            translation.Code.Constant(HostLayout.PinnedOf(to), value);
            return;
        }

        translation.Code.Constant(HostLayout.Value, value);
        translation.Write(to, HostLayout.Value);
    }

    private static void EmitStore(BlockTranslation translation)
    {
        ref readonly Instruction instruction = ref translation.Instruction;
        int sizeBytes = instruction.MemorySize.GetSize();
        HostOperand operand = translation.Reach(sizeBytes, isWrite: true);
        if (instruction.Op1Kind == OpKind.Register)
        {
            HostRegister from = translation.Read(instruction.Op1Register, HostLayout.Value);
            translation.Code.Memory(HostOpcode.MoveToRm, sizeBytes, from, operand);
            return;
        }

        translation.Code.Memory(HostOpcode.MoveImmediate, sizeBytes, 0, operand);
        translation.Code.Immediate(sizeBytes, (int)instruction.GetImmediate(1));
    }

    /// <summary>From memory, by an instruction with so many bytes of operand size.</summary>
    private static void EmitLoad(BlockTranslation translation, int opcode, int sizeBytes)
    {
        ref readonly Instruction instruction = ref translation.Instruction;
        HostOperand operand = translation.Reach(instruction.MemorySize.GetSize(), isWrite: false);
        Register to = instruction.Op0Register;
        if (HostLayout.IsDirect(to))
        {
            translation.Code.Memory(opcode, sizeBytes, HostLayout.PinnedOf(to), operand);
            return;
        }

        translation.Code.Memory(opcode, sizeBytes, HostLayout.Value, operand);
        translation.Write(to, HostLayout.Value);
    }

    private static void EmitExtend(BlockTranslation translation, int from8, int from16, int from32)
    {
        ref readonly Instruction instruction = ref translation.Instruction;
        bool isMemory = instruction.Op1Kind == OpKind.Memory;
        int fromBytes = isMemory ? instruction.MemorySize.GetSize() : instruction.Op1Register.GetSize();
        Register to = instruction.Op0Register;
        int opcode = fromBytes switch
        {
            1 => from8,
            2 => from16,
            _ => from32,
        };
        if (isMemory)
        {
            EmitLoad(translation, opcode, to.GetSize());
            return;
        }

        HostRegister source = translation.Read(instruction.Op1Register, HostLayout.Value);
        HostRegister target = HostLayout.IsDirect(to) ? HostLayout.PinnedOf(to) : HostLayout.Value;
        translation.Code.Registers(opcode, to.GetSize(), target, source);
        if (target == HostLayout.Value)
        {
            translation.Write(to, HostLayout.Value);
        }
    }

    private static void EmitExtendAccumulator(BlockTranslation translation)
    {
        const int SignBit32 = 31;
        const int SignBit64 = 63;
        HostAssembler code = translation.Code;
        HostRegister accumulator = HostLayout.PinnedOf(Register.RAX);
        HostRegister high = HostLayout.PinnedOf(Register.RDX);
        switch (translation.Instruction.Mnemonic)
        {
            case Mnemonic.Cwde:
                code.Registers(HostOpcode.MoveSignExtend16, 4, accumulator, accumulator);
                break;
            case Mnemonic.Cdqe:
                code.Registers(HostOpcode.MoveSignExtend32, 8, accumulator, accumulator);
                break;
            case Mnemonic.Cdq:
                code.Registers(HostOpcode.MoveFromRm, 4, high, accumulator);
                code.Shift(HostOpcode.ShiftArithmetic, 4, high, SignBit32);
                translation.HostFlags = StatusFlags.None;
                break;
            default:
                code.Move(high, accumulator);
                code.Shift(HostOpcode.ShiftArithmetic, 8, high, SignBit64);
                translation.HostFlags = StatusFlags.None;
                break;
        }
    }

    private static void EmitExchange(BlockTranslation translation)
    {
        ref readonly Instruction instruction = ref translation.Instruction;
        translation.Load(instruction.Op0Register, HostLayout.Address);
        translation.Load(instruction.Op1Register, HostLayout.Value);
        translation.WriteExtending(instruction.Op0Register, HostLayout.Value);
        translation.Write(instruction.Op1Register, HostLayout.Address);
    }

    private static bool TryEmitConditional(BlockTranslation translation)
    {
        ref readonly Instruction instruction = ref translation.Instruction;
        if (instruction.Code is >= Iced.Intel.Code.Seto_rm8 and <= Iced.Intel.Code.Setg_rm8)
        {
            EmitSet(translation);
            return true;
        }

        if (instruction.Code is >= Iced.Intel.Code.Cmovo_r16_rm16 and <= Iced.Intel.Code.Cmovg_r64_rm64)
        {
            EmitConditionalMove(translation);
            return true;
        }

        return false;
    }

    private static void EmitSet(BlockTranslation translation)
    {
        ref readonly Instruction instruction = ref translation.Instruction;
        if (instruction.Op0Kind == OpKind.Memory)
        {
            translation.Access(1, isWrite: true);
            translation.Code.Move(HostLayout.Third, HostLayout.Address);
            int stored = FlagCode.Condition(translation, instruction.ConditionCode);
            translation.Code.Memory(
                HostOpcode.SetByte | stored, 1, 0, new HostOperand(HostLayout.Third, 0));
            return;
        }

        int condition = FlagCode.Condition(translation, instruction.ConditionCode);
        Register to = instruction.Op0Register;
        if (HostLayout.IsDirect(to))
        {
            translation.Code.Set(condition, HostLayout.PinnedOf(to));
            return;
        }

        translation.Code.Set(condition, HostLayout.Value);
        translation.Write(to, HostLayout.Value);
    }

    private static void EmitConditionalMove(BlockTranslation translation)
    {
        ref readonly Instruction instruction = ref translation.Instruction;
        HostAssembler code = translation.Code;
        int sizeBytes = instruction.Op0Register.GetSize();
        HostRegister from = HostLayout.Third;
        if (instruction.Op1Kind == OpKind.Memory)
        {
            translation.Access(sizeBytes, isWrite: false);
            code.Memory(HostOpcode.MoveFromRm, sizeBytes, HostLayout.Third, new HostOperand(HostLayout.Address, 0));
        }
        else
        {
            from = translation.Read(instruction.Op1Register, HostLayout.Third);
        }

        int condition = FlagCode.Condition(translation, instruction.ConditionCode);
        Register to = instruction.Op0Register;
        HostRegister target = translation.Read(to, HostLayout.Value);
        code.Registers(HostOpcode.ConditionalMove | condition, sizeBytes, target, from);
        if (target == HostLayout.Value)
        {
            translation.Write(to, HostLayout.Value);
        }
    }
}
