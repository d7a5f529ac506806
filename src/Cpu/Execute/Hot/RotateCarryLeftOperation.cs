// SPDX-License-Identifier: Apache-2.0

using System.Runtime.CompilerServices;
using KvmActors.Cpu.Execute.Operands;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Hot;

// JUSTIFICATION: see IShiftOperation.
// SAFETY: see IShiftOperation.

/// <summary>RCL: rotate through CF.</summary>
/// <remarks>Source: Intel SDM vol. 2, "RCL/RCR/ROL/ROR—Rotate".</remarks>
internal readonly unsafe struct RotateCarryLeftOperation : IShiftOperation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long Apply<TSize>(CpuState* state, long value, int count)
        where TSize : struct, IOperandSize
    {
        int bits = TSize.Bytes * 8;
        int turns = count % (bits + 1);
        ulong operand = TSize.Unsigned(value);
        bool carry = LazyFlags.Carry(state);
        for (int turn = 0; turn < turns; turn++)
        {
            bool top = ((operand >> (bits - 1)) & 1) != 0;
            operand = (operand << 1) | (carry ? 1ul : 0ul);
            carry = top;
        }

        long result = TSize.Extend((long)operand);
        LazyFlags.SetCarryAndOverflow(state, carry, overflow: (result < 0) != carry);
        return result;
    }
}
