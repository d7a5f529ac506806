// SPDX-License-Identifier: Apache-2.0

using System.Runtime.Intrinsics.X86;
using Iced.Intel;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Translate;

// JUSTIFICATION: see HostAssembler.
// SAFETY: see BlockTranslation.

/// <summary>BT and its kin, bit scans and counts, BSWAP, and double shifts by a constant.</summary>
/// <remarks>Undefined flags as the interpreter has them: a scan or a count clears all but ZF and CF; AF is 0 behind a
/// double shift, and OF is what it is for a count of 1.</remarks>
internal static unsafe class BitForms
{
    private const int NotConstant = -1;
    private const int ZeroOfWord = 0x4000;
    private const int ZeroAndCarryOfWord = 0x4100;
    private const int CountPrefix = 0xF3;

    /// <summary>The masked count of a double shift, or less than 0 if it is in CL.</summary>
    public static int CountOf(in Instruction instruction)
    {
        if (instruction.Op2Kind == OpKind.Register)
        {
            return NotConstant;
        }

        return (int)instruction.GetImmediate(2) & (instruction.Op1Register.GetSize() == 8 ? 63 : 31);
    }

    /// <summary>Emits the instruction; false, with nothing emitted, if it has no form here.</summary>
    public static bool TryEmit(BlockTranslation translation)
    {
        switch (translation.Instruction.Mnemonic)
        {
            case Mnemonic.Bt or Mnemonic.Bts or Mnemonic.Btr or Mnemonic.Btc:
                return TryEmitTest(translation);
            case Mnemonic.Bsf:
                EmitScan(translation, HostOpcode.ScanForward);
                return true;
            case Mnemonic.Bsr:
                EmitScan(translation, HostOpcode.ScanReverse);
                return true;
            case Mnemonic.Popcnt:
                return TryEmitCount(translation, HostOpcode.CountOnes, GuestFeature.Popcnt, Popcnt.IsSupported);
            case Mnemonic.Tzcnt:
                return TryEmitCount(translation, HostOpcode.ScanForward, GuestFeature.Bmi1, Bmi1.IsSupported);
            case Mnemonic.Lzcnt:
                return TryEmitCount(translation, HostOpcode.ScanReverse, GuestFeature.Lzcnt, Lzcnt.IsSupported);
            case Mnemonic.Bswap:
                return TryEmitSwap(translation);
            case Mnemonic.Shld:
                return TryEmitDouble(translation, HostOpcode.ShiftLeftDouble);
            case Mnemonic.Shrd:
                return TryEmitDouble(translation, HostOpcode.ShiftRightDouble);
            default:
                return false;
        }
    }

    private static bool TryEmitTest(BlockTranslation translation)
    {
        ref readonly Instruction instruction = ref translation.Instruction;
        int operation = instruction.Mnemonic switch
        {
            Mnemonic.Bt => 0,
            Mnemonic.Bts => 1,
            Mnemonic.Btr => 2,
            _ => 3,
        };
        if (instruction.Op0Kind != OpKind.Memory)
        {
            EmitTestOfRegister(translation, operation);
        }
        else if (instruction.Op1Kind != OpKind.Register)
        {
            EmitTestOfMemory(translation, operation);
        }
        else if (instruction.MemorySize.GetSize() == 2 || MemoryAddress.AddressBytes(instruction) != 8)
        {
            return false;
        }
        else
        {
            EmitTestOfString(translation, operation);
        }

        return true;
    }

    /// <summary>A bit index in a register reaches outside of the operand, in both directions.</summary>
    private static void EmitTestOfString(BlockTranslation translation, int operation)
    {
        const int BitsOfByteShift = 3;
        ref readonly Instruction instruction = ref translation.Instruction;
        HostAssembler code = translation.Code;
        int sizeBytes = instruction.MemorySize.GetSize();
        MemoryAddress.Form(translation, HostLayout.Address);
        translation.Load(instruction.Op1Register, HostLayout.Third);
        if (sizeBytes == 4)
        {
            code.Registers(HostOpcode.MoveSignExtend32, 8, HostLayout.Third, HostLayout.Third);
        }

        code.Shift(HostOpcode.ShiftArithmetic, 8, HostLayout.Third, BitsOfByteShift);
        code.Arithmetic(HostOpcode.And, 8, HostLayout.Third, -sizeBytes);
        code.Registers(HostOpcode.FromRm(HostOpcode.Add), 8, HostLayout.Address, HostLayout.Third);
        translation.Probe(sizeBytes, isWrite: operation != 0);
        HostOperand memory = new(HostLayout.Address, 0);
        HostRegister index = translation.Read(instruction.Op1Register, HostLayout.Third);
        code.Memory(HostOpcode.MoveFromRm, sizeBytes, HostLayout.Value, memory);
        code.Registers(HostOpcode.BitTest + (operation * 8), sizeBytes, index, HostLayout.Value);
        if (operation != 0)
        {
            code.Memory(HostOpcode.MoveToRm, sizeBytes, HostLayout.Value, memory);
        }

        KeepCarry(translation);
    }

    private static void EmitTestOfMemory(BlockTranslation translation, int operation)
    {
        ref readonly Instruction instruction = ref translation.Instruction;
        int sizeBytes = instruction.MemorySize.GetSize();
        translation.Access(sizeBytes, isWrite: operation != 0);
        translation.Code.Memory(
            HostOpcode.BitTestImmediate,
            sizeBytes,
            (HostRegister)(HostOpcode.BitTestGroup + operation),
            new HostOperand(HostLayout.Address, 0));
        translation.Code.Byte((int)instruction.GetImmediate(1) & ((8 * sizeBytes) - 1));
        KeepCarry(translation);
    }

    private static void EmitTestOfRegister(BlockTranslation translation, int operation)
    {
        ref readonly Instruction instruction = ref translation.Instruction;
        HostAssembler code = translation.Code;
        int sizeBytes = instruction.Op0Register.GetSize();
        HostRegister target = translation.Read(instruction.Op0Register, HostLayout.Value);
        if (instruction.Op1Kind == OpKind.Register)
        {
            HostRegister index = translation.Read(instruction.Op1Register, HostLayout.Address);
            code.Registers(HostOpcode.BitTest + (operation * 8), sizeBytes, index, target);
        }
        else
        {
            code.BitTest(
                sizeBytes, target, (int)instruction.GetImmediate(1) & ((8 * sizeBytes) - 1), operation);
        }

        KeepCarry(translation);
        if (operation != 0 && target == HostLayout.Value)
        {
            translation.Write(instruction.Op0Register, target);
        }
    }

    private static void KeepCarry(BlockTranslation translation)
    {
        if (translation.Needed != StatusFlags.None)
        {
            translation.Code.Set(HostCondition.Carry, HostLayout.Address);
            FlagCode.SetCarryFromCl(translation.Code);
        }

        translation.HostFlags = StatusFlags.None;
    }

    /// <summary>The operand for reading, in a register.</summary>
    private static HostRegister Source(BlockTranslation translation)
    {
        ref readonly Instruction instruction = ref translation.Instruction;
        if (instruction.Op1Kind != OpKind.Memory)
        {
            return translation.Read(instruction.Op1Register, HostLayout.Value);
        }

        int sizeBytes = instruction.Op0Register.GetSize();
        translation.Access(sizeBytes, isWrite: false);
        translation.Code.Memory(
            HostOpcode.MoveFromRm, sizeBytes, HostLayout.Value, new HostOperand(HostLayout.Address, 0));
        return HostLayout.Value;
    }

    /// <summary>Of 0 a scan leaves the destination as it is.</summary>
    private static void EmitScan(BlockTranslation translation, int opcode)
    {
        Register to = translation.Instruction.Op0Register;
        HostAssembler code = translation.Code;
        HostRegister source = Source(translation);
        code.Registers(opcode, to.GetSize(), HostLayout.Third, source);
        FlagCode.Lahf(code);
        byte* isZero = code.JumpIf(HostCondition.Zero);
        translation.Write(to, HostLayout.Third);
        HostAssembler.SetTarget(isZero, code.Position);
        code.Arithmetic(HostOpcode.And, 4, HostLayout.Flags, ZeroOfWord);
        translation.HostFlags = StatusFlags.None;
    }

    private static bool TryEmitCount(BlockTranslation translation, int opcode, GuestFeature feature, bool hostHas)
    {
        if (!hostHas || (translation.Features & feature) == 0)
        {
            return false;
        }

        Register to = translation.Instruction.Op0Register;
        HostAssembler code = translation.Code;
        HostRegister source = Source(translation);
        code.Byte(CountPrefix);
        code.Registers(opcode, to.GetSize(), HostLayout.Third, source);
        FlagCode.Lahf(code);
        code.Arithmetic(HostOpcode.And, 4, HostLayout.Flags, ZeroAndCarryOfWord);
        translation.Write(to, HostLayout.Third);
        translation.HostFlags = StatusFlags.None;
        return true;
    }

    private static bool TryEmitSwap(BlockTranslation translation)
    {
        Register to = translation.Instruction.Op0Register;
        if (to.GetSize() < 4)
        {
            return false;
        }

        HostRegister target = translation.Read(to, HostLayout.Value);
        translation.Code.SwapBytes(to.GetSize(), target);
        if (target == HostLayout.Value)
        {
            translation.Write(to, target);
        }

        return true;
    }

    private static bool TryEmitDouble(BlockTranslation translation, int opcode)
    {
        ref readonly Instruction instruction = ref translation.Instruction;
        int count = CountOf(instruction);
        if (count <= 0 || instruction.Op0Kind == OpKind.Memory || instruction.Op0Register.GetSize() < 4)
        {
            return false;
        }

        Register to = instruction.Op0Register;
        int sizeBytes = to.GetSize();
        HostAssembler code = translation.Code;
        HostRegister source = translation.Read(instruction.Op1Register, HostLayout.Address);
        HostRegister target = translation.Read(to, HostLayout.Value);
        code.Move(HostLayout.Third, target);
        code.Registers(opcode, sizeBytes, source, target);
        code.Byte(count);
        if (translation.Needed != StatusFlags.None)
        {
            FlagCode.Lahf(code);
            code.Registers(HostOpcode.FromRm(HostOpcode.Xor), 8, HostLayout.Third, target);
            code.BitTest(sizeBytes, HostLayout.Third, (8 * sizeBytes) - 1);
            code.Set(HostCondition.Carry, HostLayout.Flags);
            FlagCode.ClearAuxiliary(code);
        }

        translation.HostFlags = StatusFlags.None;
        if (target == HostLayout.Value)
        {
            translation.Write(to, target);
        }

        return true;
    }
}
