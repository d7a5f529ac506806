// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Tests.Silicon.Vectors.Recording;

/// <summary>Moves what a case addresses to where it faults, or may.</summary>
internal static class FaultCases
{
    private const int HalfBytesMax = 16;
    private const ulong SignOfCanonical = 1ul << 47;

    /// <summary>Null if the case has no address of the kind that could be moved there.</summary>
    public static SiliconCase? TryMove(SiliconCase made, FaultKind kind, Random random)
    {
        Instruction instruction = made.Instructions[0];
        if (kind is FaultKind.StackAbsent or FaultKind.StackNotCanonical)
        {
            return TryMoveStack(made, instruction, kind, random);
        }

        // What is jumped to there would be executed; MASKMOV may fault or not if nothing is stored.
        bool isLeftOut = instruction.Mnemonic is Mnemonic.Jmp or Mnemonic.Call or Mnemonic.Maskmovq
            or Mnemonic.Maskmovdqu or Mnemonic.Lea or Mnemonic.Xlatb;

        // A locked access across cache lines slows the whole host down.
        bool locks = instruction.HasLockPrefix || instruction.Mnemonic is Mnemonic.Xchg or Mnemonic.Cmpxchg16b;
        isLeftOut |= locks && kind is (FaultKind.HalfAbsent or FaultKind.NotAligned or FaultKind.PastLimit);

        // Bit strings reach beyond the bytes that are looked at.
        isLeftOut |= kind is FaultKind.HalfAbsent or FaultKind.PastLimit
            && instruction.Mnemonic is Mnemonic.Bt or Mnemonic.Bts or Mnemonic.Btr or Mnemonic.Btc;

        // This maker's own: the parts in which an x87 operand is moved, and the TOP behind a store of MMX that faults.
        isLeftOut |= kind == FaultKind.HalfAbsent
            && instruction.MemorySize is MemorySize.FpuEnv14 or MemorySize.Float80 or MemorySize.Bcd;
        isLeftOut |= instruction.Op0Kind == OpKind.Memory && instruction.Op1Register.IsMM();
        if (isLeftOut || AddressRegister(instruction, random) is not { } register)
        {
            return null;
        }

        int size = Math.Max(1, instruction.MemorySize.GetSize());
        ulong origin = made.Bits == 16 ? 0 : VectorLayout.BlockBase;
        ulong present = instruction.IsStringInstruction
            ? made.Gprs[(int)register]
            : origin + SiliconLayout.Data + (ShapeMaker.TargetOf(made, instruction) ?? 0);
        bool isNarrow = instruction.IsStringInstruction
            ? made.Bits != 64
            : instruction.MemoryBase.GetSize() < 8;
        if (Target(made, instruction, kind, random, size, isNarrow) is not { } target)
        {
            return null;
        }

        ulong delta = (target >= SignOfCanonical ? target : origin + target) - present;
        return Moved(made, register, delta, isNarrow, instruction);
    }

    /// <summary>An offset in the block, or an address that is not canonical.</summary>
    private static ulong? Target(
        SiliconCase made, in Instruction instruction, FaultKind kind, Random random, int size, bool isNarrow)
    {
        ulong? inData = ShapeMaker.TargetOf(made, instruction);
        switch (kind)
        {
            case FaultKind.Absent:
                return VectorLayout.Absent + 0x100 + (ulong)random.Next(0x100);
            case FaultKind.HalfAbsent when size is > 1 and <= HalfBytesMax:
                return VectorLayout.Absent - (ulong)random.Next(1, size);
            case FaultKind.HalfAbsent when instruction.IsStringInstruction:
                return VectorLayout.Absent - (ulong)(size * random.Next(3));
            case FaultKind.ReadOnly:
                return VectorLayout.ReadOnly + 0x100 + (ulong)(random.Next(0x10) * 16);
            case FaultKind.NotAligned when inData is { } offset && size == 16:
                return SiliconLayout.Data + offset + (ulong)random.Next(1, 16);
            case FaultKind.NotCanonical when !isNarrow:
                return SignOfCanonical + VectorLayout.BlockBase + SiliconLayout.Data + (ulong)random.Next(64);
            case FaultKind.PastLimit when made.Bits == 16 && size > 1 && instruction.MemoryBase.GetSize() == 2:
                return 0xFFFF;
            default:
                return null;
        }
    }

    private static SiliconCase? TryMoveStack(
        SiliconCase made, in Instruction instruction, FaultKind kind, Random random)
    {
        bool isLeftOut = instruction.Mnemonic is Mnemonic.Enter or Mnemonic.Leave
            || CaseOperands.HasMemory(instruction)
            || (kind == FaultKind.StackNotCanonical && made.Bits != 64);
        if (isLeftOut || !instruction.IsStackInstruction)
        {
            return null;
        }

        ulong stack = made.Gprs[(int)Gpr.Rsp];
        ulong target = kind == FaultKind.StackNotCanonical
            ? SignOfCanonical + stack
            : stack - SiliconLayout.Stack + VectorLayout.Absent + 0x800 + (ulong)random.Next(64);
        return Moved(made, Gpr.Rsp, target - stack, isNarrow: made.Bits != 64, instruction);
    }

    private static Gpr? AddressRegister(in Instruction instruction, Random random)
    {
        if (instruction.IsStringInstruction)
        {
            bool source = instruction.Op0Kind is OpKind.MemorySegRSI or OpKind.MemorySegESI or OpKind.MemorySegSI
                || instruction.Op1Kind is OpKind.MemorySegRSI or OpKind.MemorySegESI or OpKind.MemorySegSI;
            bool destination = instruction.Op0Kind is OpKind.MemoryESRDI or OpKind.MemoryESEDI or OpKind.MemoryESDI
                || instruction.Op1Kind is OpKind.MemoryESRDI or OpKind.MemoryESEDI or OpKind.MemoryESDI;
            return source && (!destination || random.Next(2) == 0) ? Gpr.Rsi : Gpr.Rdi;
        }

        bool hasBase = CaseOperands.HasMemory(instruction)
            && instruction.MemoryBase.IsGPR()
            && instruction.MemoryBase.GetFullRegister() != Register.RSP;
        return hasBase ? (Gpr)(instruction.MemoryBase.GetFullRegister() - Register.RAX) : null;
    }

    private static SiliconCase Moved(
        SiliconCase made, Gpr register, ulong delta, bool isNarrow, in Instruction instruction)
    {
        ulong[] gprs = [.. made.Gprs];
        ref ulong value = ref gprs[(int)register];
        bool is16 = made.Bits == 16 && instruction.MemoryBase.GetSize() == 2;
        value = is16 ? (value & ~0xFFFFul) | (ushort)(value + delta)
            : isNarrow ? (value & ~(ulong)uint.MaxValue) | (uint)(value + delta)
            : value + delta;
        return new SiliconCase
        {
            Instructions = made.Instructions,
            Bits = made.Bits,
            Bytes = made.Bytes,
            Address = made.Address,
            Gprs = gprs,
            RFlags = made.RFlags,
            Data = made.Data,
            Stack = made.Stack,
            FxState = made.FxState,
            UndefinedFlags = 0,
        };
    }
}
