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
    private const int BitReach = 800;

    private ulong Narrow(ulong value) => bits == 64 ? value : (uint)value;

    private ulong DataStart => blockBase + SiliconLayout.Data;

    /// <summary>False if this choice of operands cannot be arranged.</summary>
    public bool TryArrange(ref Instruction instruction, ulong taken)
    {
        if (instruction.IsStringInstruction)
        {
            gprs[(int)Gpr.Rsi] = DataStart + Middle + (ulong)random.Next(-64, 65);
            gprs[(int)Gpr.Rdi] = DataStart + Middle + (ulong)random.Next(-64, 65);
            gprs[(int)Gpr.Rcx] = (ulong)random.Next(8);
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

    private int Count(in Instruction instruction) => instruction.Op2Kind == OpKind.Immediate8
        ? instruction.Immediate8
        : (byte)gprs[(int)Gpr.Rcx];

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
            case Mnemonic.Loop or Mnemonic.Loope or Mnemonic.Loopne or Mnemonic.Jrcxz or Mnemonic.Jecxz:
                gprs[(int)Gpr.Rcx] = random.Next(2) == 0 ? (ulong)random.Next(3) : gprs[(int)Gpr.Rcx];
                break;
            case Mnemonic.Div or Mnemonic.Idiv when random.Next(2) == 0:
                gprs[(int)Gpr.Rdx] = Narrow((ulong)random.Next(-1, 1));
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
        target &= ~(Alignment(instruction) - 1);
        if (instruction.Mnemonic is Mnemonic.Jmp or Mnemonic.Call)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(data.AsSpan((int)(target - DataStart)), taken);
        }

        CompareWithMemory(instruction, target);
        ChooseForm(ref instruction, target);
        return TryReach(ref instruction, target);
    }

    /// <summary>The forms of MOV with the address in the instruction.</summary>
    public static bool IsAbsoluteOnly(in Instruction instruction) =>
        instruction.Code is Code.Mov_AL_moffs8 or Code.Mov_AX_moffs16 or Code.Mov_EAX_moffs32 or Code.Mov_RAX_moffs64
            or Code.Mov_moffs8_AL or Code.Mov_moffs16_AX or Code.Mov_moffs32_EAX or Code.Mov_moffs64_RAX;

    /// <summary>CMPXCHG16B must be aligned. Locked accesses are, because hosts slow down a process that locks across
    /// cache lines.</summary>
    public static ulong Alignment(in Instruction instruction)
    {
        bool locks = instruction.HasLockPrefix || instruction.Mnemonic is Mnemonic.Xchg or Mnemonic.Cmpxchg16b;
        return locks ? (ulong)instruction.MemorySize.GetSize() : 1;
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

    private void ChooseForm(ref Instruction instruction, ulong target)
    {
        bool absoluteOnly = IsAbsoluteOnly(instruction);
        int form = absoluteOnly ? 0 : random.Next(8);
        bool is64Bit = bits == 64;
        instruction.MemoryIndexScale = 1;
        if (form < 2)
        {
            // Absolute, or relative to RIP: Iced takes the target for both.
            instruction.MemoryBase = form == 1 && is64Bit ? Register.RIP : Register.None;
            instruction.MemoryDisplacement64 = target;
            instruction.MemoryDisplSize = is64Bit && (absoluteOnly || form == 1) ? 8 : 4;
            return;
        }

        bool narrow = form == 2 || !is64Bit;
        Register first = narrow ? Register.EAX : Register.RAX;
        instruction.MemoryBase = first + (form == 3 ? (int)Gpr.Rsp : OperandChoice.Number(random, bits));
        if (form >= 5)
        {
            instruction.MemoryIndex = first + OperandChoice.Number(random, bits);
            instruction.MemoryIndexScale = 1 << random.Next(4);
        }

        int displacementBytes = random.Next(3) switch
        {
            0 => 0,
            1 => 1,
            _ => 4,
        };
        instruction.MemoryDisplSize = displacementBytes == 4 && !narrow ? 8 : displacementBytes;
        instruction.MemoryDisplacement64 = displacementBytes switch
        {
            0 => 0,
            1 => (ulong)random.Next(-128, 128),
            _ => (ulong)random.Next(int.MinValue, int.MaxValue),
        };
    }

    /// <summary>Sets the base register so that base + index * scale + displacement is the target.</summary>
    private bool TryReach(ref Instruction instruction, ulong target)
    {
        Register @base = instruction.MemoryBase;
        if (@base is Register.None or Register.RIP)
        {
            return true;
        }

        if (@base.GetFullRegister() == Register.RSP)
        {
            instruction.MemoryBase = bits == 64 ? Register.RSP : Register.ESP;
            int offset = random.Next(-40, 41) & -(int)Alignment(instruction);
            instruction.MemoryIndex = Register.None;
            instruction.MemoryDisplSize = 1;
            instruction.MemoryDisplacement64 = (ulong)offset;
            return instruction.Mnemonic is not (Mnemonic.Jmp or Mnemonic.Call);
        }

        ulong fromIndex = 0;
        if (instruction.MemoryIndex != Register.None)
        {
            Register index = instruction.MemoryIndex.GetFullRegister();
            if (index == @base.GetFullRegister())
            {
                return false;
            }

            fromIndex = gprs[index - Register.RAX] * (ulong)instruction.MemoryIndexScale;
        }

        ulong value = target - fromIndex - instruction.MemoryDisplacement64;
        bool narrow = @base.GetSize() == 4;
        ulong upperHalf = bits == 64 ? 0xABCD_0000_0000_0000 : 0;
        gprs[@base.GetFullRegister() - Register.RAX] = narrow ? (uint)value | upperHalf : value;
        return true;
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
