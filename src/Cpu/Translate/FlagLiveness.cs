// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;

namespace KvmActors.Cpu.Translate;

/// <summary>Finds which flags of a block's instructions something may look at before they are set again.</summary>
internal static class FlagLiveness
{
    /// <summary>What follows the block looks at all of them, and so does whatever an instruction that may leave host
    /// code leads to.</summary>
    /// <param name="instructions">The block.</param>
    /// <param name="needed">For each instruction, the flags it sets and that are needed.</param>
    public static void Find(ReadOnlySpan<Instruction> instructions, Span<StatusFlags> needed)
    {
        StatusFlags live = StatusFlags.All;
        for (int index = instructions.Length - 1; index >= 0; index--)
        {
            ref readonly Instruction instruction = ref instructions[index];
            StatusFlags set = SetBy(instruction);
            needed[index] = live & set;
            live = MayLeave(instruction) ? StatusFlags.All : (live & ~set) | ReadBy(instruction);
        }
    }

    /// <summary>The flags an instruction sets in all cases; of unknown ones, none.</summary>
    public static StatusFlags SetBy(in Instruction instruction)
    {
        switch (instruction.Mnemonic)
        {
            case Mnemonic.Add or Mnemonic.Adc or Mnemonic.Sub or Mnemonic.Sbb or Mnemonic.Cmp or Mnemonic.And
                or Mnemonic.Or or Mnemonic.Xor or Mnemonic.Test or Mnemonic.Neg or Mnemonic.Imul or Mnemonic.Mul:
                return StatusFlags.All;
            case Mnemonic.Cmpxchg or Mnemonic.Xadd or Mnemonic.Bsf or Mnemonic.Bsr or Mnemonic.Popcnt
                or Mnemonic.Tzcnt or Mnemonic.Lzcnt or Mnemonic.Comiss or Mnemonic.Comisd or Mnemonic.Ucomiss
                or Mnemonic.Ucomisd or Mnemonic.Ptest or Mnemonic.Pcmpistri or Mnemonic.Pcmpistrm:
                return StatusFlags.All;
            case Mnemonic.Inc or Mnemonic.Dec:
                return StatusFlags.All & ~StatusFlags.Carry;
            case Mnemonic.Shl or Mnemonic.Sal or Mnemonic.Shr or Mnemonic.Sar:
                return ShiftForms.CountOf(instruction) > 0 ? StatusFlags.All : StatusFlags.None;
            case Mnemonic.Rol or Mnemonic.Ror:
                return ShiftForms.CountOf(instruction) > 0
                    ? StatusFlags.Carry | StatusFlags.Overflow
                    : StatusFlags.None;
            case Mnemonic.Shld or Mnemonic.Shrd:
                return BitForms.CountOf(instruction) > 0 ? StatusFlags.All : StatusFlags.None;
            case Mnemonic.Bt or Mnemonic.Bts or Mnemonic.Btr or Mnemonic.Btc or Mnemonic.Clc or Mnemonic.Stc
                or Mnemonic.Cmc:
                return StatusFlags.Carry;
            default:
                return StatusFlags.None;
        }
    }

    /// <summary>The flags a condition looks at.</summary>
    public static StatusFlags ReadBy(ConditionCode condition) => condition switch
    {
        ConditionCode.o or ConditionCode.no => StatusFlags.Overflow,
        ConditionCode.b or ConditionCode.ae => StatusFlags.Carry,
        ConditionCode.e or ConditionCode.ne => StatusFlags.Zero,
        ConditionCode.be or ConditionCode.a => StatusFlags.Carry | StatusFlags.Zero,
        ConditionCode.s or ConditionCode.ns => StatusFlags.Sign,
        ConditionCode.p or ConditionCode.np => StatusFlags.Parity,
        ConditionCode.l or ConditionCode.ge => StatusFlags.Sign | StatusFlags.Overflow,
        ConditionCode.le or ConditionCode.g => StatusFlags.Sign | StatusFlags.Overflow | StatusFlags.Zero,
        _ => StatusFlags.None,
    };

    private static StatusFlags ReadBy(in Instruction instruction) => instruction.Mnemonic switch
    {
        Mnemonic.Adc or Mnemonic.Sbb or Mnemonic.Cmc => StatusFlags.Carry,
        _ => ReadBy(instruction.ConditionCode),
    };

    /// <summary>True unless it is known that the instruction never leaves host code.</summary>
    private static bool MayLeave(in Instruction instruction)
    {
        if (instruction.FlowControl != FlowControl.Next)
        {
            return true;
        }

        bool usesMemory = instruction.Op0Kind == OpKind.Memory || instruction.Op1Kind == OpKind.Memory;
        switch (instruction.Mnemonic)
        {
            case Mnemonic.Lea or Mnemonic.Nop:
                return false;
            case Mnemonic.Popcnt or Mnemonic.Tzcnt or Mnemonic.Lzcnt or Mnemonic.Comiss or Mnemonic.Comisd
                or Mnemonic.Ucomiss or Mnemonic.Ucomisd or Mnemonic.Ptest or Mnemonic.Pcmpistri
                or Mnemonic.Pcmpistrm:
                // Or faults, where it does not exist or SSE is switched off.
                return true;
            case Mnemonic.Mov:
                return usesMemory || !RegisterForms.HasOnlyGeneralRegisters(instruction);
            case Mnemonic.Movzx or Mnemonic.Movsx or Mnemonic.Movsxd or Mnemonic.Not or Mnemonic.Bswap
                or Mnemonic.Cwde or Mnemonic.Cdqe or Mnemonic.Cdq or Mnemonic.Cqo:
                return usesMemory;
            default:
                bool isKnown = SetBy(instruction) != StatusFlags.None || ReadBy(instruction) != StatusFlags.None;
                return !isKnown || usesMemory || instruction.OpCount > 2 && instruction.Op2Kind == OpKind.Memory;
        }
    }
}
