// SPDX-License-Identifier: Apache-2.0

using System.Runtime.CompilerServices;
using KvmActors.Cpu.Execute.Operands;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Hot;

// JUSTIFICATION: see IShiftOperation.
// SAFETY: see IShiftOperation.

/// <summary>SHL, SAL.</summary>
/// <remarks>Source: Intel SDM vol. 2, "SAL/SAR/SHL/SHR—Shift".</remarks>
internal readonly unsafe struct ShiftLeftOperation : IShiftOperation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long Apply<TSize>(CpuState* state, long value, int count)
        where TSize : struct, IOperandSize
    {
        int bits = TSize.Bytes * 8;
        ulong operand = TSize.Unsigned(value);
        bool carry = count <= bits && ((operand >> (bits - count)) & 1) != 0;
        long result = TSize.Extend(count < 64 ? (long)(operand << count) : 0);
        LazyFlags.Set(state, (ulong)result, TSize.Shape, carry, overflow: (result < 0) != carry);
        return result;
    }
}
