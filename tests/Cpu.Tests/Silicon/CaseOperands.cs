// SPDX-License-Identifier: Apache-2.0

using System.Buffers.Binary;
using Iced.Intel;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Tests.Silicon;

/// <summary>Gives the registers of a case values with which every access stays in the windows and nothing
/// faults.</summary>
internal sealed class CaseOperands(
    ulong blockBase, int bits, Random random, ulong[] gprs, byte[] data, byte[] stack)
{
    private const int Middle = SiliconLayout.DataBytes / 2;

    // Bits that BT with a register may reach from its memory operand.
    private const int BitReach = 640;

    private ulong DataStart => blockBase + SiliconLayout.Data;

    /// <summary>False if this choice of operands cannot be arranged.</summary>
    public bool TryArrange(ref Instruction instruction, ulong taken)
    {
        if (instruction.IsStringInstruction)
        {
            ArrangeString();
        }

        ArrangeImplied(instruction, taken);
        bool arranged = !HasMemory(instruction) || TryAddress(ref instruction, taken);
        return arranged && TryBits(instruction);
    }

    /// <summary>False if a division would overflow, or a result is undefined.</summary>
    public bool IsFree(in Instruction instruction)
    {
        switch (instruction.Mnemonic)
        {
            case Mnemonic.Aam:
                return instruction.Immediate8 != 0;
            case Mnemonic.Div or Mnemonic.Idiv:
                return Division.Fits(instruction, gprs[(int)Gpr.Rax], gprs[(int)Gpr.Rdx], Value(instruction, 0));
            case Mnemonic.Bsf or Mnemonic.Bsr:
                return Value(instruction, 1) != 0;
            case Mnemonic.Shld or Mnemonic.Shrd when instruction.Op0Kind == OpKind.Register
                ? instruction.Op0Register.GetSize() == 2
                : instruction.MemorySize.GetSize() == 2:
                return (Count(instruction) & 31) <= 16;
            default:
                return true;
        }
    }

    public static bool HasMemory(in Instruction instruction)
    {
        for (int operand = 0; operand < instruction.OpCount; operand++)
        {
            if (instruction.GetOpKind(operand) == OpKind.Memory)
            {
                return true;
            }
        }

        return false;
    }

    private ulong Narrow(ulong value) => bits == 64 ? value : (uint)value;

    private int Count(in Instruction instruction) => instruction.Op2Kind == OpKind.Immediate8
        ? instruction.Immediate8
        : (byte)gprs[(int)Gpr.Rcx];

    private void ArrangeString()
    {
        // In 16-bit code SI, DI and CX count: the upper halves are chance.
        ulong upper = bits == 16 ? EdgyNumber.Next(random) & 0xFFFF_0000 : 0;
        gprs[(int)Gpr.Rsi] = upper + DataStart + Middle + (ulong)random.Next(-64, 65);
        gprs[(int)Gpr.Rdi] = upper + DataStart + Middle + (ulong)random.Next(-64, 65);
        gprs[(int)Gpr.Rcx] = upper + (ulong)random.Next(8);
    }

    private void ArrangeImplied(in Instruction instruction, ulong taken)
    {
        switch (instruction.Mnemonic)
        {
            case Mnemonic.Enter or Mnemonic.Leave:
                gprs[(int)Gpr.Rbp] = gprs[(int)Gpr.Rsp] + 16;
                break;
            case Mnemonic.Ret:
                BinaryPrimitives.WriteUInt64LittleEndian(stack.AsSpan(SiliconLayout.StackBytes / 2), taken);
                break;
            case Mnemonic.Loop or Mnemonic.Loope or Mnemonic.Loopne or Mnemonic.Jrcxz or Mnemonic.Jecxz
                or Mnemonic.Jcxz:
                gprs[(int)Gpr.Rcx] = random.Next(2) == 0 ? (ulong)random.Next(3) : gprs[(int)Gpr.Rcx];
                break;
            case Mnemonic.Div or Mnemonic.Idiv when random.Next(2) == 0:
                gprs[(int)Gpr.Rdx] = Narrow((ulong)random.Next(-1, 1));
                break;
            case Mnemonic.Maskmovq or Mnemonic.Maskmovdqu:
                ArrangeString();
                break;
            case Mnemonic.Pcmpestri or Mnemonic.Pcmpestri64 or Mnemonic.Pcmpestrm or Mnemonic.Pcmpestrm64
                when random.Next(4) != 0:
                gprs[(int)Gpr.Rax] = Narrow((ulong)random.Next(-20, 21));
                gprs[(int)Gpr.Rdx] = Narrow((ulong)random.Next(-20, 21));
                break;
            case Mnemonic.Jmp or Mnemonic.Call when instruction.Op0Kind == OpKind.Register:
                gprs[instruction.Op0Register.GetFullRegister() - Register.RAX] = taken;
                break;
            default:
                break;
        }
    }

    private bool TryBits(in Instruction instruction)
    {
        bool reaches = instruction.Mnemonic is Mnemonic.Bt or Mnemonic.Bts or Mnemonic.Btr or Mnemonic.Btc
            && instruction.Op0Kind == OpKind.Memory
            && instruction.Op1Kind == OpKind.Register;
        if (!reaches)
        {
            return true;
        }

        Register bitNumber = instruction.Op1Register.GetFullRegister();
        if (bitNumber == instruction.MemoryBase.GetFullRegister()
            || bitNumber == instruction.MemoryIndex.GetFullRegister())
        {
            return false;
        }

        gprs[bitNumber - Register.RAX] = Narrow((ulong)random.Next(-BitReach, BitReach));
        return true;
    }

    private bool TryAddress(ref Instruction instruction, ulong taken)
    {
        if (instruction.Mnemonic == Mnemonic.Xlatb)
        {
            gprs[(int)Gpr.Rbx] = DataStart + (ulong)random.Next(200);
            return true;
        }

        ulong target = DataStart + Middle + (ulong)random.Next(-100, 101);
        target &= ~(MemoryForm.Alignment(instruction) - 1);
        if (instruction.Mnemonic is Mnemonic.Jmp or Mnemonic.Call)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(data.AsSpan((int)(target - DataStart)), taken);
        }

        CompareWithMemory(instruction, target);
        return new MemoryForm(bits, random, gprs).TryChoose(ref instruction, target);
    }

    /// <summary>Half the time CMPXCHG finds what it expects.</summary>
    private void CompareWithMemory(in Instruction instruction, ulong target)
    {
        bool compares = instruction.Mnemonic is Mnemonic.Cmpxchg or Mnemonic.Cmpxchg8b or Mnemonic.Cmpxchg16b;
        if (!compares || random.Next(2) == 0)
        {
            return;
        }

        ReadOnlySpan<byte> found = data.AsSpan((int)(target - DataStart), 16);
        bool pairOf32 = instruction.Mnemonic == Mnemonic.Cmpxchg8b;
        gprs[(int)Gpr.Rax] = Narrow(BinaryPrimitives.ReadUInt64LittleEndian(found));
        gprs[(int)Gpr.Rdx] = Narrow(BinaryPrimitives.ReadUInt64LittleEndian(found[(pairOf32 ? 4 : 8)..]));
    }

    /// <summary>The value of a register or memory operand, as the instruction will find it.</summary>
    private ulong Value(in Instruction instruction, int operand)
    {
        if (instruction.GetOpKind(operand) == OpKind.Register)
        {
            return RegisterValue(instruction.GetOpRegister(operand));
        }

        ulong address = instruction.GetVirtualAddress(operand, 0, (register, _, _) =>
            register is >= Register.ES and <= Register.GS ? 0 : RegisterValue(register));
        int size = instruction.MemorySize.GetSize();
        ReadOnlySpan<byte> window = address >= DataStart && address < DataStart + SiliconLayout.DataBytes
            ? data.AsSpan((int)(address - DataStart), size)
            : stack.AsSpan((int)(address - blockBase - SiliconLayout.StackLow), size);
        Span<byte> wide = stackalloc byte[8];
        wide.Clear();
        window.CopyTo(wide);
        return BinaryPrimitives.ReadUInt64LittleEndian(wide);
    }

    private ulong RegisterValue(Register register)
    {
        ulong full = gprs[register.GetFullRegister() - Register.RAX];
        return register.GetSize() switch
        {
            1 when register is >= Register.AH and <= Register.BH => (byte)(full >> 8),
            1 => (byte)full,
            2 => (ushort)full,
            4 => (uint)full,
            _ => full,
        };
    }
}
