// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;

namespace KvmActors.Cpu.Translate;

// JUSTIFICATION: see HostAssembler.
// SAFETY: see BlockTranslation.

/// <summary>XCHG with memory, XADD and CMPXCHG.</summary>
/// <remarks>LOCK changes nothing: one vCPU of a VM runs at a time.</remarks>
internal static unsafe class ExchangeForms
{
    /// <summary>Emits the instruction; false, with nothing emitted, if it has no form here.</summary>
    public static bool TryEmit(BlockTranslation translation)
    {
        if (translation.Instruction.Op0Kind != OpKind.Memory)
        {
            return false;
        }

        switch (translation.Instruction.Mnemonic)
        {
            case Mnemonic.Xchg:
                EmitExchange(translation);
                return true;
            case Mnemonic.Xadd:
                EmitExchangeAdd(translation);
                return true;
            case Mnemonic.Cmpxchg:
                EmitCompareExchange(translation);
                return true;
            default:
                return false;
        }
    }

    private static HostOperand Target => new(HostLayout.Address, 0);

    private static int Access(BlockTranslation translation)
    {
        int sizeBytes = translation.Instruction.MemorySize.GetSize();
        translation.Access(sizeBytes, isWrite: true);
        return sizeBytes;
    }

    private static void EmitExchange(BlockTranslation translation)
    {
        Register source = translation.Instruction.Op1Register;
        int sizeBytes = Access(translation);
        translation.Load(source, HostLayout.Third);
        translation.Code.Memory(HostOpcode.MoveFromRm, sizeBytes, HostLayout.Value, Target);
        translation.Code.Memory(HostOpcode.MoveToRm, sizeBytes, HostLayout.Third, Target);
        translation.Write(source, HostLayout.Value);
    }

    private static void EmitExchangeAdd(BlockTranslation translation)
    {
        Register source = translation.Instruction.Op1Register;
        int sizeBytes = Access(translation);
        translation.Load(source, HostLayout.Third);
        int opcode = sizeBytes == 1 ? HostOpcode.ExchangeAdd - 1 : HostOpcode.ExchangeAdd;
        translation.Code.Memory(opcode, sizeBytes, HostLayout.Third, Target);
        FlagCode.KeepAll(translation);
        translation.Write(source, HostLayout.Third);
    }

    /// <summary>If they differ, the accumulator becomes what memory has; the write that a processor does then changes
    /// nothing.</summary>
    private static void EmitCompareExchange(BlockTranslation translation)
    {
        HostAssembler code = translation.Code;
        HostRegister accumulator = HostLayout.PinnedOf(Register.RAX);
        int sizeBytes = Access(translation);
        translation.Load(translation.Instruction.Op1Register, HostLayout.Third);
        code.Memory(HostOpcode.MoveFromRm, sizeBytes, HostLayout.Value, Target);
        code.Registers(HostOpcode.FromRm(HostOpcode.Compare), sizeBytes, accumulator, HostLayout.Value);
        FlagCode.KeepAll(translation);
        byte* differs = code.JumpIf(HostCondition.NotZero);
        code.Memory(HostOpcode.MoveToRm, sizeBytes, HostLayout.Third, Target);
        byte* done = code.Jump();
        HostAssembler.SetTarget(differs, code.Position);
        code.Registers(HostOpcode.MoveFromRm, sizeBytes, accumulator, HostLayout.Value);
        HostAssembler.SetTarget(done, code.Position);
    }
}
