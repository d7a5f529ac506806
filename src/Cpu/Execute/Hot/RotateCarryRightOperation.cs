// SPDX-License-Identifier: Apache-2.0

using System.Runtime.CompilerServices;
using KvmActors.Cpu.Execute.Operands;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Hot;

// JUSTIFICATION: see IShiftOperation.
// SAFETY: see IShiftOperation.

/// <summary>RCR: rotate through CF.</summary>
/// <remarks>Source: Intel SDM vol. 2, "RCL/RCR/ROL/ROR—Rotate".</remarks>
internal readonly unsafe struct RotateCarryRightOperation : IShiftOperation
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
            bool low = (operand & 1) != 0;
            operand = (operand >> 1) | (carry ? 1ul << (bits - 1) : 0ul);
            carry = low;
        }

        long result = TSize.Extend((long)operand);
        bool below = ((result >> (bits - 2)) & 1) != 0;
        LazyFlags.SetCarryAndOverflow(state, carry, overflow: (result < 0) != below);
        return result;
    }
}
