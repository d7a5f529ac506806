// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;

namespace KvmActors.Cpu.Translate;

// JUSTIFICATION: see HostAssembler.
// SAFETY: see BlockTranslation. No division is reached whose quotient does not fit.

/// <summary>DIV and IDIV of 32 and 64 bits. They change no flag.</summary>
/// <remarks>What could be a #DE the interpreter executes; so it does signed dividends that do not fit in RAX.</remarks>
internal static unsafe class DivisionForms
{
    private static readonly HostRegister s_low = HostLayout.PinnedOf(Register.RAX);
    private static readonly HostRegister s_high = HostLayout.PinnedOf(Register.RDX);

    /// <summary>Emits the instruction; false, with nothing emitted, if it has no form here.</summary>
    public static bool TryEmit(BlockTranslation translation)
    {
        ref readonly Instruction instruction = ref translation.Instruction;
        bool isSigned = instruction.Mnemonic == Mnemonic.Idiv;
        if (!isSigned && instruction.Mnemonic != Mnemonic.Div)
        {
            return false;
        }

        bool isMemory = instruction.Op0Kind == OpKind.Memory;
        int sizeBytes = isMemory ? instruction.MemorySize.GetSize() : instruction.Op0Register.GetSize();
        if (sizeBytes < 4)
        {
            return false;
        }

        LoadDivisor(translation, isMemory, sizeBytes);
        if (isSigned)
        {
            LeaveUnlessPlain(translation, sizeBytes);
        }
        else
        {
            // The quotient fits if the dividend's upper half is less than the divisor, which then is not 0.
            translation.Code.Registers(
                HostOpcode.FromRm(HostOpcode.Compare), sizeBytes, s_high, HostLayout.Address);
            translation.Step(translation.Code.JumpIf(HostCondition.NotCarry));
        }

        Divide(translation.Code, isSigned ? HostOpcode.DivideSigned : HostOpcode.Divide, sizeBytes);
        translation.HostFlags = StatusFlags.None;
        return true;
    }

    private static void LoadDivisor(BlockTranslation translation, bool isMemory, int sizeBytes)
    {
        if (!isMemory)
        {
            translation.Load(translation.Instruction.Op0Register, HostLayout.Address);
            return;
        }

        translation.Access(sizeBytes, isWrite: false);
        translation.Code.Memory(
            HostOpcode.MoveFromRm, sizeBytes, HostLayout.Address, new HostOperand(HostLayout.Address, 0));
    }

    /// <summary>Goes on only with a dividend that is the accumulator, sign-extended, and a divisor that is neither 0
    /// nor -1.</summary>
    private static void LeaveUnlessPlain(BlockTranslation translation, int sizeBytes)
    {
        HostAssembler code = translation.Code;
        code.Registers(HostOpcode.MoveFromRm, sizeBytes, HostLayout.Value, s_low);
        code.Shift(HostOpcode.ShiftArithmetic, sizeBytes, HostLayout.Value, (8 * sizeBytes) - 1);
        code.Registers(HostOpcode.FromRm(HostOpcode.Compare), sizeBytes, HostLayout.Value, s_high);
        translation.Step(code.JumpIf(HostCondition.NotZero));
        code.Memory(HostOpcode.Lea, sizeBytes, HostLayout.Value, new HostOperand(HostLayout.Address, 1));
        code.Arithmetic(HostOpcode.Compare, sizeBytes, HostLayout.Value, 1);
        translation.Step(code.JumpIf(HostCondition.BelowOrEqual));
    }

    /// <summary>The host's RAX has the guest's flags, which wait in the third scratch register.</summary>
    private static void Divide(HostAssembler code, int operation, int sizeBytes)
    {
        code.Move(HostLayout.Third, HostLayout.Flags);
        code.Move(HostRegister.Rax, s_low);
        code.Move(HostRegister.Rdx, s_high);
        code.Registers(HostOpcode.Unary, sizeBytes, (HostRegister)operation, HostLayout.Address);
        code.Registers(HostOpcode.MoveFromRm, sizeBytes, s_low, HostRegister.Rax);
        code.Registers(HostOpcode.MoveFromRm, sizeBytes, s_high, HostRegister.Rdx);
        code.Move(HostLayout.Flags, HostLayout.Third);
    }
}
