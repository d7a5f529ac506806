// SPDX-License-Identifier: Apache-2.0

using System.Numerics;
using Iced.Intel;
using KvmActors.Cpu.Decode;

namespace KvmActors.Cpu.Translate;

/// <summary>Forms the linear address of a memory operand of 64-bit mode.</summary>
internal static class MemoryAddress
{
    /// <summary>More than the last byte of any operand is behind its first.</summary>
    private const int FarthestByte = 64;

    /// <summary>Leaves the linear address in a register. <see cref="HostLayout.Value"/> changes; the host's flags only
    /// if the operand has a base of FS or GS.</summary>
    public static void Form(BlockTranslation translation, HostRegister to)
    {
        ref readonly Instruction instruction = ref translation.Instruction;
        FormOffset(translation, to, AddressBytes(instruction));
        if (instruction.MemorySegment is Register.FS or Register.GS)
        {
            translation.Code.Memory(
                HostOpcode.FromRm(HostOpcode.Add),
                8,
                to,
                HostLayout.SegmentBase(RegisterOffset.Segment(instruction.MemorySegment)));
            translation.HostFlags = StatusFlags.None;
        }
    }

    /// <summary>As <see cref="Form"/>, without the segment: what LEA gives.</summary>
    public static void FormOffset(BlockTranslation translation, HostRegister to, int addressBytes)
    {
        ref readonly Instruction instruction = ref translation.Instruction;
        HostAssembler code = translation.Code;
        long displacement = (long)instruction.MemoryDisplacement64;
        bool hasBase = instruction.MemoryBase is not Register.None and not Register.RIP and not Register.EIP;
        bool hasIndex = instruction.MemoryIndex != Register.None;
        if (displacement != (int)displacement || (!hasBase && !hasIndex))
        {
            FormFar(translation, to, hasBase, hasIndex, addressBytes);
            return;
        }

        HostRegister? start = hasBase ? translation.Read(instruction.MemoryBase, to) : null;
        HostRegister? index = hasIndex ? translation.Read(instruction.MemoryIndex, HostLayout.Value) : null;
        int shift = BitOperations.Log2((uint)instruction.MemoryIndexScale);
        code.Memory(
            HostOpcode.Lea, addressBytes, to, new HostOperand(start, (int)displacement, index, hasIndex ? shift : 0));
    }

    /// <summary>True if <see cref="FormOffset"/> takes one LEA whose registers are host registers, so that its result
    /// can be any of them.</summary>
    public static bool IsOneLea(in Instruction instruction)
    {
        long displacement = (long)instruction.MemoryDisplacement64;
        bool hasBase = instruction.MemoryBase is not Register.None and not Register.RIP and not Register.EIP;
        bool hasIndex = instruction.MemoryIndex != Register.None;
        return displacement == (int)displacement
            && (hasBase || hasIndex)
            && (!hasBase || HostLayout.IsDirect(instruction.MemoryBase))
            && (!hasIndex || HostLayout.IsDirect(instruction.MemoryIndex));
    }

    /// <summary>The linear address as a guest's register in its host register and a distance; null if it is more.
    /// </summary>
    public static HostOperand? PlainOf(in Instruction instruction)
    {
        long displacement = (long)instruction.MemoryDisplacement64;
        Register start = instruction.MemoryBase;
        return start.IsGPR64() && HostLayout.IsPinned(start)
            && instruction.MemoryIndex == Register.None
            && instruction.MemorySegment is not Register.FS and not Register.GS
            && displacement is > int.MinValue and < int.MaxValue - FarthestByte
                ? new HostOperand(HostLayout.PinnedOf(start), (int)displacement)
                : null;
    }

    /// <summary>Address size in bytes: 4 or 8.</summary>
    public static int AddressBytes(in Instruction instruction)
    {
        Register register = instruction.MemoryBase != Register.None ? instruction.MemoryBase : instruction.MemoryIndex;
        int bytes = register != Register.None ? register.GetSize() : instruction.MemoryDisplSize;
        return bytes == 4 && (register != Register.None || instruction.MemoryDisplSize == 4) ? 4 : 8;
    }

    private static void FormFar(
        BlockTranslation translation, HostRegister to, bool hasBase, bool hasIndex, int addressBytes)
    {
        ref readonly Instruction instruction = ref translation.Instruction;
        HostAssembler code = translation.Code;
        code.Constant(to, instruction.MemoryDisplacement64);
        if (hasIndex)
        {
            HostRegister index = translation.Read(instruction.MemoryIndex, HostLayout.Value);
            int shift = BitOperations.Log2((uint)instruction.MemoryIndexScale);
            code.Memory(HostOpcode.Lea, 8, to, new HostOperand(to, 0, index, shift));
        }

        if (hasBase)
        {
            HostRegister start = translation.Read(instruction.MemoryBase, HostLayout.Value);
            code.Memory(HostOpcode.Lea, 8, to, new HostOperand(to, 0, start));
        }

        if (addressBytes == 4)
        {
            code.Registers(HostOpcode.MoveFromRm, 4, to, to);
        }
    }
}
