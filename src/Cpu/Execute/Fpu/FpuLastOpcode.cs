// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Decode;
using KvmActors.Cpu.Memory;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Fpu;

// JUSTIFICATION: see CpuState.
// SAFETY: the block was decoded from RAM pages, and the offset is cut to the page it is in.

/// <summary>The last opcode register, which is written only when an exception is not masked.</summary>
internal static unsafe class FpuLastOpcode
{
    private const byte FirstEscape = 0xD8;

    /// <summary>Reads the opcode again from the code that the block was made of.</summary>
    public static void Note(CpuState* state, Uop* uop)
    {
        Block* block = state->CurrentBlock;
        for (int at = 0; at + 1 < uop->Length; at++)
        {
            byte first = CodeByte(state, block, uop->RipOffset + at);
            if ((first & FirstEscape) == FirstEscape)
            {
                byte second = CodeByte(state, block, uop->RipOffset + at + 1);
                FpuImage.Opcode(state) = (ushort)((first & 7) << 8 | second);
                return;
            }
        }
    }

    private static byte CodeByte(CpuState* state, Block* block, int offset)
    {
        ulong physical = block->Physical + (ulong)offset;
        bool isInSecond = physical / GuestMemory.PageBytes != (ulong)block->Page;
        ulong page = isInSecond ? (ulong)block->SecondPage * GuestMemory.PageBytes : 0;
        return state->Ram[isInSecond ? page + (physical % GuestMemory.PageBytes) : physical];
    }
}
