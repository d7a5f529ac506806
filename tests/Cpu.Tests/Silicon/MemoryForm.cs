// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Tests.Silicon;

/// <summary>Chooses how a memory operand is addressed, and gives its base register the value with which it reaches a
/// target.</summary>
/// <param name="bits">64, 32 or 16: of the code segment.</param>
/// <param name="gprs">The registers of the case.</param>
internal sealed class MemoryForm(int bits, Random random, ulong[] gprs)
{
    private static readonly (Register Base, Register Index)[] s_forms16 =
    [
        (Register.BX, Register.SI), (Register.BX, Register.DI), (Register.BP, Register.SI), (Register.BP, Register.DI),
        (Register.SI, Register.None), (Register.DI, Register.None), (Register.BP, Register.None),
        (Register.BX, Register.None),
    ];

    private bool Is64Bit => bits == 64;

    /// <summary>The forms of MOV with the address in the instruction.</summary>
    public static bool IsAbsoluteOnly(in Instruction instruction) =>
        instruction.Code is Code.Mov_AL_moffs8 or Code.Mov_AX_moffs16 or Code.Mov_EAX_moffs32 or Code.Mov_RAX_moffs64
            or Code.Mov_moffs8_AL or Code.Mov_moffs16_AX or Code.Mov_moffs32_EAX or Code.Mov_moffs64_RAX;

    /// <summary>CMPXCHG16B must be aligned, and 16 bytes of SSE but for the instructions that say otherwise. Locked
    /// accesses are, because hosts slow down a process that locks across cache lines.</summary>
    public static ulong Alignment(in Instruction instruction)
    {
        if (instruction.Mnemonic == Mnemonic.Ldmxcsr)
        {
            // So that what is loaded is one of the doublewords that were made for it.
            return 4;
        }

        bool isVector = instruction.Mnemonic is not Mnemonic.Cmpxchg16b && instruction.MemorySize.GetSize() == 16;
        if (isVector && instruction.Mnemonic
            is not (Mnemonic.Movups or Mnemonic.Movupd or Mnemonic.Movdqu or Mnemonic.Lddqu or Mnemonic.Pcmpestri
            or Mnemonic.Pcmpestri64 or Mnemonic.Pcmpestrm or Mnemonic.Pcmpestrm64 or Mnemonic.Pcmpistri
            or Mnemonic.Pcmpistrm))
        {
            return 16;
        }

        bool locks = instruction.HasLockPrefix || instruction.Mnemonic is Mnemonic.Xchg or Mnemonic.Cmpxchg16b;
        return locks ? (ulong)instruction.MemorySize.GetSize() : 1;
    }

    /// <summary>False if the registers chosen cannot reach the target.</summary>
    public bool TryChoose(ref Instruction instruction, ulong target)
    {
        instruction.MemoryIndexScale = 1;
        int form = IsAbsoluteOnly(instruction) ? 0 : random.Next(8);
        if (form < 2)
        {
            // Absolute, or relative to RIP: Iced takes the target for both.
            bool relative = form == 1 && Is64Bit;
            instruction.MemoryBase = relative ? Register.RIP : Register.None;
            instruction.MemoryDisplacement64 = target;
            instruction.MemoryDisplSize = bits switch
            {
                64 => relative || IsAbsoluteOnly(instruction) ? 8 : 4,
                32 => 4,
                _ => form == 0 ? 2 : 4,
            };
            return true;
        }

        if (bits == 16 && form < 6)
        {
            return TryReach16(ref instruction, target);
        }

        ChooseRegisters(ref instruction, form);
        return instruction.MemoryBase.GetFullRegister() == Register.RSP
            ? TryReachStack(ref instruction)
            : TryReach(ref instruction, target);
    }

    private void ChooseRegisters(ref Instruction instruction, int form)
    {
        bool narrow = form == 2 || !Is64Bit;
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

    private bool TryReachStack(ref Instruction instruction)
    {
        instruction.MemoryBase = Is64Bit ? Register.RSP : Register.ESP;
        instruction.MemoryIndex = Register.None;
        instruction.MemoryDisplSize = 1;
        instruction.MemoryDisplacement64 = (ulong)(random.Next(-40, 41) & -(int)Alignment(instruction));
        return instruction.Mnemonic is not (Mnemonic.Jmp or Mnemonic.Call);
    }

    /// <summary>Sets the base register so that base + index * scale + displacement is the target.</summary>
    private bool TryReach(ref Instruction instruction, ulong target)
    {
        Register @base = instruction.MemoryBase.GetFullRegister();
        ulong fromIndex = 0;
        if (instruction.MemoryIndex != Register.None)
        {
            Register index = instruction.MemoryIndex.GetFullRegister();
            if (index == @base)
            {
                return false;
            }

            fromIndex = gprs[index - Register.RAX] * (ulong)instruction.MemoryIndexScale;
        }

        ulong value = target - fromIndex - instruction.MemoryDisplacement64;
        bool narrow = instruction.MemoryBase.GetSize() == 4;
        ulong upperHalf = Is64Bit ? 0xABCD_0000_0000_0000 : 0;
        gprs[@base - Register.RAX] = narrow ? (uint)value | upperHalf : value;
        return true;
    }

    private bool TryReach16(ref Instruction instruction, ulong target)
    {
        (Register @base, Register index) = s_forms16[random.Next(s_forms16.Length)];
        instruction.MemoryBase = @base;
        instruction.MemoryIndex = index;
        instruction.MemoryDisplSize = random.Next(3);
        ulong displacement = instruction.MemoryDisplSize switch
        {
            0 => 0,
            1 => (ulong)random.Next(-128, 128),
            _ => (ulong)random.Next(0x10000),
        };
        instruction.MemoryDisplacement64 = (ushort)displacement;
        ulong fromIndex = index == Register.None ? 0 : gprs[index.GetFullRegister() - Register.RAX];
        ref ulong value = ref gprs[@base.GetFullRegister() - Register.RAX];
        value = (value & ~0xFFFFul) | (ushort)(target - fromIndex - displacement);
        return true;
    }
}
