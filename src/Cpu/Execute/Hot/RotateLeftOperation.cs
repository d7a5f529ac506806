// SPDX-License-Identifier: Apache-2.0

using System.Runtime.CompilerServices;
using KvmActors.Cpu.Execute.Operands;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Hot;

// JUSTIFICATION: see IShiftOperation.
// SAFETY: see IShiftOperation.

/// <summary>ROL.</summary>
/// <remarks>Source: Intel SDM vol. 2, "RCL/RCR/ROL/ROR—Rotate".</remarks>
internal readonly unsafe struct RotateLeftOperation : IShiftOperation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long Apply<TSize>(CpuState* state, long value, int count)
        where TSize : struct, IOperandSize
    {
        int bits = TSize.Bytes * 8;
        int turns = count & (bits - 1);
        ulong operand = TSize.Unsigned(value);
        long result = turns == 0 ? value : TSize.Extend((long)((operand << turns) | (operand >> (bits - turns))));
        bool carry = (result & 1) != 0;
        LazyFlags.SetCarryAndOverflow(state, carry, overflow: (result < 0) != carry);
        return result;
    }
}
