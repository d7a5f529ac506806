// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;

namespace KvmActors.Cpu.Translate;

// JUSTIFICATION: see HostAssembler.
// SAFETY: see BlockTranslation.

/// <summary>SHL, SHR, SAR, ROL and ROR: by CL of registers of 32 and 64 bits, by constants of all.</summary>
/// <remarks>Undefined flags as the interpreter has them: AF is 0 behind a shift, OF behind SHL and rotates is what it
/// is for a count of 1, and behind SHR and SAR by more it is 0.</remarks>
internal static class ShiftForms
{
    private const int NotConstant = -1;

    /// <summary>The masked count, or less than 0 if it is in CL.</summary>
    public static int CountOf(in Instruction instruction)
    {
        if (instruction.Op1Kind == OpKind.Register)
        {
            return NotConstant;
        }

        int sizeBytes = instruction.Op0Kind == OpKind.Memory
            ? instruction.MemorySize.GetSize()
            : instruction.Op0Register.GetSize();
        return (int)instruction.GetImmediate(1) & (sizeBytes == 8 ? 63 : 31);
    }

    /// <summary>Emits the instruction; false, with nothing emitted, if it has no form here.</summary>
    public static bool TryEmit(BlockTranslation translation)
    {
        int? operation = translation.Instruction.Mnemonic switch
        {
            Mnemonic.Shl or Mnemonic.Sal => HostOpcode.ShiftLeft,
            Mnemonic.Shr => HostOpcode.ShiftRight,
            Mnemonic.Sar => HostOpcode.ShiftArithmetic,
            Mnemonic.Rol => HostOpcode.RotateLeft,
            Mnemonic.Ror => HostOpcode.RotateRight,
            _ => null,
        };
        return operation is { } shift && TryEmitShift(translation, shift);
    }

    private static bool TryEmitShift(BlockTranslation translation, int operation)
    {
        ref readonly Instruction instruction = ref translation.Instruction;
        int count = CountOf(instruction);
        bool isMemory = instruction.Op0Kind == OpKind.Memory;
        int sizeBytes = isMemory ? instruction.MemorySize.GetSize() : instruction.Op0Register.GetSize();
        bool isRotate = operation is HostOpcode.RotateLeft or HostOpcode.RotateRight;
        if (count == NotConstant && sizeBytes >= 4 && !isMemory)
        {
            // Liveness says that no flag is set in all cases: all that are live then stay live.
            EmitByCl(translation, operation, isRotate);
            return true;
        }

        if (count <= 0 || count >= 8 * sizeBytes)
        {
            return false;
        }

        EmitByConstant(translation, operation, count, sizeBytes);
        return true;
    }

    private static void EmitByConstant(BlockTranslation translation, int operation, int count, int sizeBytes)
    {
        ref readonly Instruction instruction = ref translation.Instruction;
        bool isMemory = instruction.Op0Kind == OpKind.Memory;
        bool isRotate = operation is HostOpcode.RotateLeft or HostOpcode.RotateRight;
        HostOperand memory = new(HostLayout.Third, 0);
        if (isMemory)
        {
            translation.Access(sizeBytes, isWrite: true);
            translation.Code.Move(HostLayout.Third, HostLayout.Address);
        }

        bool keepsFlags = translation.Needed != StatusFlags.None;
        if (isRotate && keepsFlags)
        {
            FlagCode.SettleAuxiliary(translation);
        }

        HostRegister target = HostLayout.Value;
        if (isMemory)
        {
            translation.Code.Memory(HostOpcode.MoveFromRm, sizeBytes, target, memory);
        }
        else
        {
            target = translation.Read(instruction.Op0Register, HostLayout.Value);
        }

        translation.Code.Shift(operation, sizeBytes, target, count);
        if (isRotate)
        {
            translation.HostFlags = StatusFlags.None;
            KeepRotateFlags(translation, operation, target, sizeBytes, keepsFlags);
        }
        else
        {
            KeepShiftFlags(translation, operation, count);
        }

        if (isMemory)
        {
            translation.Code.Memory(HostOpcode.MoveToRm, sizeBytes, target, memory);
        }
        else if (target == HostLayout.Value)
        {
            translation.Write(instruction.Op0Register, target);
        }
    }

    private static void KeepShiftFlags(BlockTranslation translation, int operation, int count)
    {
        const StatusFlags Shifted = StatusFlags.Carry | StatusFlags.Zero | StatusFlags.Sign | StatusFlags.Parity;
        bool isOverflowClear = operation == HostOpcode.ShiftArithmetic
            || (operation == HostOpcode.ShiftRight && count > 1);
        if (isOverflowClear)
        {
            FlagCode.KeepWithoutOverflow(translation, Shifted);
            return;
        }

        translation.HostFlags = Shifted;
        if (translation.Needed == StatusFlags.None)
        {
            return;
        }

        KeepShiftFlagsWithOverflow(translation, operation);
    }

    /// <summary>OF is SF xor CF behind SHL; behind SHR by 1 the host's.</summary>
    private static void KeepShiftFlagsWithOverflow(BlockTranslation translation, int operation)
    {
        HostAssembler code = translation.Code;
        FlagCode.Lahf(code);
        if (operation == HostOpcode.ShiftRight)
        {
            code.Set(HostCondition.Overflow, HostLayout.Flags);
        }
        else
        {
            code.Set(HostCondition.Sign, HostLayout.Flags);
            code.Set(HostCondition.Carry, HostLayout.Address);
            code.Registers(HostOpcode.FromRm(HostOpcode.Xor), 1, HostLayout.Flags, HostLayout.Address);
        }

        FlagCode.ClearAuxiliary(code);
        translation.HostFlags = StatusFlags.None;
    }

    /// <summary>CF is the bit that came around last; OF is the top bit xor CF, or xor the bit below it.</summary>
    private static void KeepRotateFlags(
        BlockTranslation translation, int operation, HostRegister target, int sizeBytes, bool keepsFlags)
    {
        if (!keepsFlags)
        {
            return;
        }

        // The host's CF is right for every count that is not 0.
        HostAssembler code = translation.Code;
        int topBit = (8 * sizeBytes) - 1;
        sizeBytes = Math.Max(sizeBytes, 4);
        code.Set(HostCondition.Carry, HostLayout.Address);
        FlagCode.SetCarryFromCl(code);
        code.BitTest(sizeBytes, target, topBit);
        code.Set(HostCondition.Carry, HostLayout.Flags);
        if (operation == HostOpcode.RotateRight)
        {
            code.BitTest(sizeBytes, target, topBit - 1);
            code.Set(HostCondition.Carry, HostLayout.Address);
        }

        code.Registers(HostOpcode.FromRm(HostOpcode.Xor), 1, HostLayout.Flags, HostLayout.Address);
    }

    private static unsafe void EmitByCl(BlockTranslation translation, int operation, bool isRotate)
    {
        Register to = translation.Instruction.Op0Register;
        int sizeBytes = to.GetSize();
        HostAssembler code = translation.Code;
        if (isRotate)
        {
            FlagCode.SettleAuxiliary(translation);
        }

        translation.Load(to, HostLayout.Value);
        code.Move(HostLayout.Address, HostLayout.PinnedOf(Register.RCX));
        code.Arithmetic(HostOpcode.And, 4, HostLayout.Address, sizeBytes == 8 ? 63 : 31);
        byte* isZero = code.JumpIf(HostCondition.Zero);
        code.Registers(HostOpcode.ShiftByCl, sizeBytes, (HostRegister)operation, HostLayout.Value);
        if (isRotate)
        {
            KeepRotateFlags(translation, operation, HostLayout.Value, sizeBytes, keepsFlags: true);
        }
        else
        {
            KeepFlagsOfShiftByCl(translation, operation, to, sizeBytes);
        }

        HostAssembler.SetTarget(isZero, code.Position);
        translation.WriteExtending(to, HostLayout.Value);
        translation.HostFlags = StatusFlags.None;
    }

    private static unsafe void KeepFlagsOfShiftByCl(
        BlockTranslation translation, int operation, Register to, int sizeBytes)
    {
        HostAssembler code = translation.Code;
        FlagCode.Lahf(code);
        switch (operation)
        {
            case HostOpcode.ShiftArithmetic:
                FlagCode.MoveToAl(code, FlagWord.NoAuxiliary);
                return;
            case HostOpcode.ShiftLeft:
                code.Set(HostCondition.Sign, HostLayout.Flags);
                code.Set(HostCondition.Carry, HostLayout.Address);
                code.Registers(HostOpcode.FromRm(HostOpcode.Xor), 1, HostLayout.Flags, HostLayout.Address);
                break;
            default:
                // OF is the top bit if the count is 1, else 0.
                HostRegister before = translation.Read(to, HostLayout.Third);
                FlagCode.MoveToAl(code, 0);
                code.Arithmetic(HostOpcode.Compare, 1, HostLayout.Address, 1);
                byte* isMore = code.JumpIf(HostCondition.NotZero);
                code.BitTest(sizeBytes, before, (8 * sizeBytes) - 1);
                code.Set(HostCondition.Carry, HostLayout.Flags);
                HostAssembler.SetTarget(isMore, code.Position);
                break;
        }

        FlagCode.ClearAuxiliary(code);
    }
}
