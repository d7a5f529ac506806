// SPDX-License-Identifier: Apache-2.0

using System.Runtime.CompilerServices;
using KvmActors.Cpu.Execute.Operands;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Hot;

// JUSTIFICATION: see IUnaryOperation.
// SAFETY: see IUnaryOperation.

/// <summary>NEG: 0 - value.</summary>
/// <remarks>Source: Intel SDM vol. 2, "NEG—Two's Complement Negation", Flags Affected.</remarks>
internal readonly unsafe struct NegateOperation : IUnaryOperation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long Apply<TSize>(CpuState* state, long value)
        where TSize : struct, IOperandSize
    {
        return SubOperation.Apply<TSize>(state, left: 0, value);
    }
}
