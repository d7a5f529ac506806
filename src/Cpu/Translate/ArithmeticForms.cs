// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;

namespace KvmActors.Cpu.Translate;

/// <summary>ADD to TEST, INC, DEC, NEG, NOT, and the multiplications.</summary>
internal static class ArithmeticForms
{
    private const StatusFlags AfterLogic = StatusFlags.All & ~StatusFlags.Auxiliary;

    /// <summary>Emits the instruction; false, with nothing emitted, if it has no form here.</summary>
    public static bool TryEmit(BlockTranslation translation)
    {
        switch (translation.Instruction.Mnemonic)
        {
            case Mnemonic.Add:
                return EmitBinary(translation, HostOpcode.Add);
            case Mnemonic.Or:
                return EmitBinary(translation, HostOpcode.Or);
            case Mnemonic.Adc:
                return EmitBinary(translation, HostOpcode.Adc);
            case Mnemonic.Sbb:
                return EmitBinary(translation, HostOpcode.Sbb);
            case Mnemonic.And:
                return EmitBinary(translation, HostOpcode.And);
            case Mnemonic.Sub:
                return EmitBinary(translation, HostOpcode.Sub);
            case Mnemonic.Xor:
                return EmitBinary(translation, HostOpcode.Xor);
            case Mnemonic.Cmp:
                return EmitBinary(translation, HostOpcode.Compare);
            case Mnemonic.Test:
                return EmitBinary(translation, operation: null);
            case Mnemonic.Inc:
                return EmitUnary(translation, HostOpcode.IncrementDecrement, HostOpcode.Increment);
            case Mnemonic.Dec:
                return EmitUnary(translation, HostOpcode.IncrementDecrement, HostOpcode.Decrement);
            case Mnemonic.Neg:
                return EmitUnary(translation, HostOpcode.Unary, HostOpcode.Negate);
            case Mnemonic.Not:
                return EmitUnary(translation, HostOpcode.Unary, HostOpcode.Not);
            case Mnemonic.Imul when translation.Instruction.OpCount > 1:
                return EmitMultiplyInto(translation);
            case Mnemonic.Mul:
                return EmitMultiply(translation, HostOpcode.Multiply);
            case Mnemonic.Imul:
                return EmitMultiply(translation, HostOpcode.MultiplySigned);
            default:
                return false;
        }
    }

    /// <param name="translation">The block.</param>
    /// <param name="operation">As in <see cref="HostOpcode"/>; null for TEST.</param>
    private static bool EmitBinary(BlockTranslation translation, int? operation)
    {
        bool writes = operation is not null and not HostOpcode.Compare;
        if (translation.Instruction.Op0Kind == OpKind.Memory)
        {
            EmitBinaryToMemory(translation, operation, writes);
        }
        else
        {
            EmitBinaryToRegister(translation, operation, writes);
        }

        return true;
    }

    private static void EmitBinaryToMemory(BlockTranslation translation, int? operation, bool writes)
    {
        ref readonly Instruction instruction = ref translation.Instruction;
        int sizeBytes = instruction.MemorySize.GetSize();
        HostOperand operand = translation.Reach(sizeBytes, writes);
        HostAssembler code = translation.Code;
        HostRegister from = instruction.Op1Kind == OpKind.Register
            ? translation.Read(instruction.Op1Register, HostLayout.Value)
            : default;
        LoadCarryFor(translation, operation);
        if (instruction.Op1Kind == OpKind.Register)
        {
            code.Memory(operation is { } some ? HostOpcode.ToRm(some) : HostOpcode.Test, sizeBytes, from, operand);
        }
        else if (operation is { } some)
        {
            code.Arithmetic(some, sizeBytes, operand, (int)instruction.GetImmediate(1));
        }
        else
        {
            code.Memory(HostOpcode.Unary, sizeBytes, 0, operand);
            code.Immediate(sizeBytes, (int)instruction.GetImmediate(1));
        }

        KeepFlags(translation, operation);
    }

    private static void EmitBinaryToRegister(BlockTranslation translation, int? operation, bool writes)
    {
        ref readonly Instruction instruction = ref translation.Instruction;
        Register to = instruction.Op0Register;
        int sizeBytes = to.GetSize();
        HostAssembler code = translation.Code;
        bool isMemory = instruction.Op1Kind == OpKind.Memory;
        HostOperand operand = isMemory ? translation.Reach(sizeBytes, isWrite: false) : default;
        HostRegister target = translation.Read(to, HostLayout.Value);
        HostRegister from = instruction.Op1Kind == OpKind.Register
            ? translation.Read(instruction.Op1Register, HostLayout.Address)
            : default;
        LoadCarryFor(translation, operation);
        int opcode = operation is { } some ? HostOpcode.FromRm(some) : HostOpcode.Test;
        if (isMemory)
        {
            code.Memory(opcode, sizeBytes, target, operand);
        }
        else if (instruction.Op1Kind == OpKind.Register)
        {
            code.Registers(opcode, sizeBytes, target, from);
        }
        else if (operation is { } operationWithImmediate)
        {
            code.Arithmetic(operationWithImmediate, sizeBytes, target, (int)instruction.GetImmediate(1));
        }
        else
        {
            code.Registers(HostOpcode.Unary, sizeBytes, 0, target);
            code.Immediate(sizeBytes, (int)instruction.GetImmediate(1));
        }

        KeepFlags(translation, operation);
        if (writes && target == HostLayout.Value)
        {
            translation.Write(to, target);
        }
    }

    private static void LoadCarryFor(BlockTranslation translation, int? operation)
    {
        if (operation is HostOpcode.Adc or HostOpcode.Sbb)
        {
            FlagCode.LoadCarry(translation);
        }
    }

    private static void KeepFlags(BlockTranslation translation, int? operation)
    {
        if (operation is null or HostOpcode.And or HostOpcode.Or or HostOpcode.Xor)
        {
            FlagCode.KeepWithoutOverflow(translation, AfterLogic);
        }
        else
        {
            FlagCode.KeepAll(translation);
        }
    }

    private static bool EmitUnary(BlockTranslation translation, int group, int operation)
    {
        ref readonly Instruction instruction = ref translation.Instruction;
        bool isMemory = instruction.Op0Kind == OpKind.Memory;
        int sizeBytes = isMemory ? instruction.MemorySize.GetSize() : instruction.Op0Register.GetSize();
        HostRegister target = HostLayout.Value;
        HostOperand operand = default;
        if (isMemory)
        {
            operand = translation.Reach(sizeBytes, isWrite: true);
        }
        else
        {
            target = translation.Read(instruction.Op0Register, HostLayout.Value);
        }

        bool keepsCarry = group == HostOpcode.IncrementDecrement;
        if (keepsCarry && translation.Needed != StatusFlags.None)
        {
            FlagCode.LoadCarry(translation);
        }

        bool carryIsRight = !keepsCarry || translation.Needed != StatusFlags.None
            || (translation.HostFlags & StatusFlags.Carry) != 0;
        if (isMemory)
        {
            translation.Code.Memory(group, sizeBytes, (HostRegister)operation, operand);
        }
        else
        {
            translation.Code.Registers(group, sizeBytes, (HostRegister)operation, target);
        }

        if (instruction.Mnemonic != Mnemonic.Not)
        {
            FlagCode.KeepAll(translation);
            translation.HostFlags &= carryIsRight ? StatusFlags.All : ~StatusFlags.Carry;
        }

        if (!isMemory && target == HostLayout.Value)
        {
            translation.Write(instruction.Op0Register, target);
        }

        return true;
    }

    private static bool EmitMultiplyInto(BlockTranslation translation)
    {
        ref readonly Instruction instruction = ref translation.Instruction;
        HostAssembler code = translation.Code;
        Register to = instruction.Op0Register;
        int sizeBytes = to.GetSize();
        HostRegister from = HostLayout.Value;
        if (instruction.Op1Kind == OpKind.Memory)
        {
            translation.Access(sizeBytes, isWrite: false);
            code.Memory(HostOpcode.MoveFromRm, sizeBytes, HostLayout.Value, new HostOperand(HostLayout.Address, 0));
        }
        else
        {
            from = translation.Read(instruction.Op1Register, HostLayout.Value);
        }

        HostRegister target = HostLayout.IsDirect(to) ? HostLayout.PinnedOf(to) : HostLayout.Third;
        if (instruction.OpCount == 3)
        {
            const int MultiplyImmediate = 0x69;
            code.Registers(MultiplyImmediate, sizeBytes, target, from);
            code.Immediate(sizeBytes, (int)instruction.GetImmediate(2));
        }
        else
        {
            if (target == HostLayout.Third)
            {
                translation.Load(to, HostLayout.Third);
            }

            code.Registers(HostOpcode.MultiplyInto, sizeBytes, target, from);
        }

        KeepProductFlags(translation, target, sizeBytes);
        if (target == HostLayout.Third)
        {
            translation.Write(to, target);
        }

        return true;
    }

    /// <summary>CF and OF as the multiplication left them, ZF, SF and PF by the low half, AF clear.</summary>
    private static void KeepProductFlags(BlockTranslation translation, HostRegister low, int sizeBytes)
    {
        translation.HostFlags = StatusFlags.None;
        if (translation.Needed == StatusFlags.None)
        {
            return;
        }

        HostAssembler code = translation.Code;
        code.Set(HostCondition.Overflow, HostLayout.Address);
        code.Registers(HostOpcode.Test, sizeBytes, low, low);
        FlagCode.Lahf(code);
        code.Registers(HostOpcode.MoveFromRm, 1, HostLayout.Flags, HostLayout.Address);
        FlagCode.OrAhCl(code);
        FlagCode.ClearAuxiliary(code);
    }

    /// <summary>RDX:RAX = RAX times the operand. The host's RAX is free meanwhile: all flags are new.</summary>
    private static bool EmitMultiply(BlockTranslation translation, int operation)
    {
        ref readonly Instruction instruction = ref translation.Instruction;
        bool isMemory = instruction.Op0Kind == OpKind.Memory;
        int sizeBytes = isMemory ? instruction.MemorySize.GetSize() : instruction.Op0Register.GetSize();
        if (sizeBytes < 4)
        {
            return false;
        }

        HostAssembler code = translation.Code;
        HostRegister from = HostLayout.Third;
        if (isMemory)
        {
            translation.Access(sizeBytes, isWrite: false);
            code.Memory(HostOpcode.MoveFromRm, sizeBytes, from, new HostOperand(HostLayout.Address, 0));
        }
        else
        {
            from = translation.Read(instruction.Op0Register, HostLayout.Third);
        }

        HostRegister low = HostLayout.PinnedOf(Register.RAX);
        HostRegister high = HostLayout.PinnedOf(Register.RDX);
        code.Move(HostRegister.Rax, low);
        code.Registers(HostOpcode.Unary, sizeBytes, (HostRegister)operation, from);
        code.Registers(HostOpcode.MoveFromRm, sizeBytes, low, HostRegister.Rax);
        code.Registers(HostOpcode.MoveFromRm, sizeBytes, high, HostRegister.Rdx);
        KeepProductFlags(translation, low, sizeBytes);
        return true;
    }
}
