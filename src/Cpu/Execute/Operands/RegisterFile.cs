// SPDX-License-Identifier: Apache-2.0

using System.Runtime.CompilerServices;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Operands;

// JUSTIFICATION: see CpuState.
// SAFETY: offsets come from the decoder and lie inside the register file (0 to 135).

/// <summary>Registers by byte offset in the state.</summary>
internal static unsafe class RegisterFile
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long Read<TSize>(CpuState* state, byte offset)
        where TSize : struct, IOperandSize => TSize.Read((byte*)state + offset);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Write<TSize>(CpuState* state, byte offset, long value)
        where TSize : struct, IOperandSize => TSize.WriteRegister((byte*)state + offset, value);

    /// <summary>Reads a register of a size known at run time, zero-extended.</summary>
    public static ulong Read(CpuState* state, byte offset, int sizeBytes)
    {
        byte* register = (byte*)state + offset;
        return sizeBytes switch
        {
            1 => *register,
            2 => *(ushort*)register,
            4 => *(uint*)register,
            _ => *(ulong*)register,
        };
    }

    /// <summary>Writes a register of a size known at run time: 32 bits clear the upper half, fewer keep the rest.
    /// </summary>
    public static void Write(CpuState* state, byte offset, int sizeBytes, ulong value)
    {
        byte* register = (byte*)state + offset;
        switch (sizeBytes)
        {
            case 1:
                *register = (byte)value;
                break;
            case 2:
                *(ushort*)register = (ushort)value;
                break;
            case 4:
                *(ulong*)register = (uint)value;
                break;
            default:
                *(ulong*)register = value;
                break;
        }
    }
}
