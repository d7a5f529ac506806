// SPDX-License-Identifier: Apache-2.0

using System.Runtime.CompilerServices;
using KvmActors.Cpu.Execute.Operands;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Hot;

// JUSTIFICATION: see IUnaryOperation.
// SAFETY: see IUnaryOperation.

/// <summary>INC: ADD of 1 that keeps CF.</summary>
/// <remarks>Source: Intel SDM vol. 2, "INC—Increment by 1", Flags Affected.</remarks>
internal readonly unsafe struct IncrementOperation : IUnaryOperation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long Apply<TSize>(CpuState* state, long value)
        where TSize : struct, IOperandSize
    {
        bool carry = LazyFlags.Carry(state);
        long result = AddOperation.Apply<TSize>(state, value, right: 1);
        LazyFlags.SetCarry(state, carry);
        return result;
    }
}
