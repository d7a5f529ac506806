// SPDX-License-Identifier: Apache-2.0

using System.Runtime.CompilerServices;

namespace KvmActors.Cpu.Translate;

// JUSTIFICATION: host code is written where it will run; a list of bytes would be copied once more.
// SAFETY: whoever sets Position has made sure of room for the largest block (see HostCodeWriter.HasRoom).

/// <summary>Writes x86-64 instructions. Operand sizes are in bytes: 1, 2, 4 or 8.</summary>
/// <remarks>Source: Intel SDM vol. 2A, chapter 2 "Instruction Format".</remarks>
internal sealed unsafe class HostAssembler
{
    private const int RexBase = 0x40;
    private const int RexWide = 8;
    private const int RexRegister = 4;
    private const int RexIndex = 2;
    private const int RexRm = 1;
    private const int ModDisplacement8 = 0x40;
    private const int ModDisplacement32 = 0x80;
    private const int ModRegister = 0xC0;
    private const int HasSib = 4;
    private const int NoBase = 5;
    private const int TwoByte = 0x0F;

    /// <summary>Where the next byte goes.</summary>
    public byte* Position { get; set; }

    public void Byte(int value) => *Position++ = (byte)value;

    public void Int32(int value)
    {
        Unsafe.WriteUnaligned(Position, value);
        Position += sizeof(int);
    }

    public void UInt64(ulong value)
    {
        Unsafe.WriteUnaligned(Position, value);
        Position += sizeof(ulong);
    }

    /// <summary>An instruction with a register and a register as r/m.</summary>
    /// <param name="opcode">Of the wide form; for operands of one byte it becomes the byte form where there is a pair.
    /// </param>
    /// <param name="sizeBytes">Operand size.</param>
    /// <param name="register">The register field: a register, or the instruction of a group.</param>
    /// <param name="rm">The r/m field.</param>
    public void Registers(int opcode, int sizeBytes, HostRegister register, HostRegister rm)
    {
        Prefixes(sizeBytes, (int)register, index: 0, (int)rm, UsesLowByteOf(opcode, sizeBytes, register, rm));
        Opcode(opcode, sizeBytes);
        Byte(ModRegister | ((int)register & 7) << 3 | ((int)rm & 7));
    }

    /// <summary>An instruction with a register, or an instruction of a group, and memory.</summary>
    public void Memory(int opcode, int sizeBytes, HostRegister register, HostOperand operand)
    {
        bool usesLowByte = sizeBytes == 1 && NeedsRex(register);
        Prefixes(sizeBytes, (int)register, (int)(operand.Index ?? 0), (int)(operand.Base ?? 0), usesLowByte);
        Opcode(opcode, sizeBytes);
        Address((int)register & 7, operand);
    }

    public void Move(HostRegister to, HostRegister from) => Registers(HostOpcode.MoveFromRm, 8, to, from);

    public void Load(HostRegister to, HostOperand from) => Memory(HostOpcode.MoveFromRm, 8, to, from);

    public void Store(HostOperand to, HostRegister from) => Memory(HostOpcode.MoveToRm, 8, from, to);

    /// <summary>Loads a constant in the shortest form; changes no flag.</summary>
    public void Constant(HostRegister to, ulong value)
    {
        if (value <= uint.MaxValue)
        {
            Prefixes(4, 0, 0, (int)to, isForced: false);
            Byte(0xB8 | ((int)to & 7));
            Int32((int)value);
        }
        else if ((long)value == (int)value)
        {
            Registers(HostOpcode.MoveImmediate, 8, 0, to);
            Int32((int)value);
        }
        else
        {
            Prefixes(8, 0, 0, (int)to, isForced: false);
            Byte(0xB8 | ((int)to & 7));
            UInt64(value);
        }
    }

    /// <summary>Two-operand arithmetic with an immediate, sign-extended from 32 bits.</summary>
    public void Arithmetic(int operation, int sizeBytes, HostRegister rm, int immediate)
    {
        bool isShort = sizeBytes > 1 && immediate == (sbyte)immediate;
        int opcode = isShort ? HostOpcode.ArithmeticImmediate8 : HostOpcode.ArithmeticImmediate;
        Registers(opcode, sizeBytes, (HostRegister)operation, rm);
        Immediate(isShort ? 1 : sizeBytes, immediate);
    }

    public void Arithmetic(int operation, int sizeBytes, HostOperand operand, int immediate)
    {
        bool isShort = sizeBytes > 1 && immediate == (sbyte)immediate;
        int opcode = isShort ? HostOpcode.ArithmeticImmediate8 : HostOpcode.ArithmeticImmediate;
        Memory(opcode, sizeBytes, (HostRegister)operation, operand);
        Immediate(isShort ? 1 : sizeBytes, immediate);
    }

    /// <summary>The immediate behind an instruction: at most four bytes, whatever the operand size.</summary>
    public void Immediate(int sizeBytes, int value)
    {
        switch (sizeBytes)
        {
            case 1:
                Byte(value);
                break;
            case 2:
                Byte(value);
                Byte(value >> 8);
                break;
            default:
                Int32(value);
                break;
        }
    }

    public void Shift(int operation, int sizeBytes, HostRegister rm, int count)
    {
        Registers(HostOpcode.ShiftImmediate, sizeBytes, (HostRegister)operation, rm);
        Byte(count);
    }

    /// <summary>BT, BTS, BTR or BTC (0 to 3) with a constant: the bit becomes CF.</summary>
    public void BitTest(int sizeBytes, HostRegister register, int bit, int operation = 0)
    {
        var group = (HostRegister)(HostOpcode.BitTestGroup + operation);
        Registers(HostOpcode.BitTestImmediate, sizeBytes, group, register);
        Byte(bit);
    }

    /// <summary>SETcc to the low byte of a register.</summary>
    public void Set(int condition, HostRegister to) =>
        Registers(HostOpcode.SetByte | condition, 1, 0, to);

    /// <summary>BSWAP of 4 or 8 bytes.</summary>
    public void SwapBytes(int sizeBytes, HostRegister register)
    {
        Prefixes(sizeBytes, 0, 0, (int)register, isForced: false);
        Byte(TwoByte);
        Byte((HostOpcode.SwapBytes & 0xFF) | ((int)register & 7));
    }

    public void Push(HostRegister register)
    {
        Prefixes(4, 0, 0, (int)register, isForced: false);
        Byte(0x50 | ((int)register & 7));
    }

    public void Pop(HostRegister register)
    {
        Prefixes(4, 0, 0, (int)register, isForced: false);
        Byte(0x58 | ((int)register & 7));
    }

    public void Return() => Byte(0xC3);

    public void JumpTo(HostRegister register) =>
        Registers(HostOpcode.IncrementDecrement, 4, (HostRegister)HostOpcode.JumpIndirect, register);

    /// <summary>The address of something in the same mapping.</summary>
    public void LeaRelative(HostRegister to, byte* target) => Relative(HostOpcode.Lea, 8, to, target);

    /// <summary>As <see cref="Memory"/>, without an immediate, with something in the same mapping.</summary>
    public void Relative(int opcode, int sizeBytes, HostRegister register, byte* target)
    {
        Memory(opcode, sizeBytes, register, HostOperand.Relative);
        SetTarget(Position - sizeof(int), target);
    }

    /// <summary>A call whose distance is set later.</summary>
    /// <returns>Where the distance goes.</returns>
    public byte* Call()
    {
        Byte(0xE8);
        Int32(0);
        return Position - sizeof(int);
    }

    /// <summary>A jump whose distance is set later.</summary>
    /// <returns>Where the distance goes.</returns>
    public byte* Jump()
    {
        Byte(0xE9);
        Int32(0);
        return Position - sizeof(int);
    }

    /// <summary>A conditional jump whose distance is set later.</summary>
    /// <returns>Where the distance goes.</returns>
    public byte* JumpIf(int condition)
    {
        Byte(TwoByte);
        Byte(0x80 | condition);
        Int32(0);
        return Position - sizeof(int);
    }

    /// <summary>Makes a jump lead to an address of the same mapping.</summary>
    public static void SetTarget(byte* distance, byte* target) =>
        Unsafe.WriteUnaligned(distance, (int)(target - (distance + sizeof(int))));

    /// <summary>NOPs up to a multiple of a power of two.</summary>
    public void Align(int bytes)
    {
        while (((nint)Position & (bytes - 1)) != 0)
        {
            Byte(0x90);
        }
    }

    private static bool NeedsRex(HostRegister register) => register is >= HostRegister.Rsp and <= HostRegister.Rdi;

    // Without a REX prefix 4 to 7 are AH to BH.
    private static bool UsesLowByteOf(int opcode, int sizeBytes, HostRegister register, HostRegister rm) =>
        (sizeBytes == 1 && (NeedsRex(register) || NeedsRex(rm)))
        || (opcode is HostOpcode.MoveZeroExtend8 or HostOpcode.MoveSignExtend8 && NeedsRex(rm));

    private void Prefixes(int sizeBytes, int register, int index, int rm, bool isForced)
    {
        if (sizeBytes == 2)
        {
            Byte(0x66);
        }

        int rex = RexBase
            | (sizeBytes == 8 ? RexWide : 0)
            | (register >= 8 ? RexRegister : 0)
            | (index >= 8 ? RexIndex : 0)
            | (rm >= 8 ? RexRm : 0);
        if (rex != RexBase || isForced)
        {
            Byte(rex);
        }
    }

    private void Opcode(int opcode, int sizeBytes)
    {
        if (opcode > byte.MaxValue)
        {
            // No pair, but SETcc, which has bytes only.
            Byte(TwoByte);
            Byte(opcode);
            return;
        }

        bool hasPair = opcode is not HostOpcode.Lea and not HostOpcode.MoveSignExtend32;
        Byte(sizeBytes == 1 && hasPair ? opcode - 1 : opcode);
    }

    private void Address(int register, HostOperand operand)
    {
        int field = register << 3;
        int displacement = operand.Displacement;
        if (operand.IsRelative)
        {
            Byte(field | NoBase);
            Int32(0);
            return;
        }

        if (operand.Base is not { } start)
        {
            Byte(field | HasSib);
            Byte(operand.Shift << 6 | IndexField(operand) << 3 | NoBase);
            Int32(displacement);
            return;
        }

        int low = (int)start & 7;
        int mod = displacement == 0 && low != NoBase ? 0
            : displacement == (sbyte)displacement ? ModDisplacement8
            : ModDisplacement32;
        if (operand.Index is not null || low == HasSib)
        {
            Byte(mod | field | HasSib);
            Byte(operand.Shift << 6 | IndexField(operand) << 3 | low);
        }
        else
        {
            Byte(mod | field | low);
        }

        if (mod != 0)
        {
            Immediate(mod == ModDisplacement8 ? 1 : 4, displacement);
        }
    }

    private static int IndexField(HostOperand operand) =>
        operand.Index is { } index ? (int)index & 7 : HasSib;
}
