// SPDX-License-Identifier: Apache-2.0

using System.Runtime.CompilerServices;
using KvmActors.Cpu.Execute.Operands;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Hot;

// JUSTIFICATION: see IShiftOperation.
// SAFETY: see IShiftOperation.

/// <summary>SAR.</summary>
/// <remarks>Source: Intel SDM vol. 2, "SAL/SAR/SHL/SHR—Shift".</remarks>
internal readonly unsafe struct ShiftArithmeticOperation : IShiftOperation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long Apply<TSize>(CpuState* state, long value, int count)
        where TSize : struct, IOperandSize
    {
        bool carry = ((value >> (count - 1)) & 1) != 0;
        long result = value >> count;
        LazyFlags.Set(state, (ulong)result, TSize.Shape, carry, overflow: false);
        return result;
    }
}
