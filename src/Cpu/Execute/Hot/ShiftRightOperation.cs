// SPDX-License-Identifier: Apache-2.0

using System.Runtime.CompilerServices;
using KvmActors.Cpu.Execute.Operands;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Hot;

// JUSTIFICATION: see IShiftOperation.
// SAFETY: see IShiftOperation.

/// <summary>SHR.</summary>
/// <remarks>Source: Intel SDM vol. 2, "SAL/SAR/SHL/SHR—Shift".</remarks>
internal readonly unsafe struct ShiftRightOperation : IShiftOperation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long Apply<TSize>(CpuState* state, long value, int count)
        where TSize : struct, IOperandSize
    {
        ulong operand = TSize.Unsigned(value);
        bool carry = ((operand >> (count - 1)) & 1) != 0;
        long result = TSize.Extend((long)(operand >> count));
        bool top = count == 1 && value < 0;
        LazyFlags.Set(state, (ulong)result, TSize.Shape, carry, overflow: top);
        return result;
    }
}
