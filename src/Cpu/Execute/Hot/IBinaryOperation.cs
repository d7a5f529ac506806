// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Execute.Operands;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Hot;

// JUSTIFICATION: see IOperandSize.
// SAFETY: implementers touch only the lazy flags of the state.

/// <summary>One of the two-operand arithmetic instructions, as a type parameter.</summary>
internal unsafe interface IBinaryOperation
{
    /// <summary>False for CMP and TEST.</summary>
    static abstract bool WritesResult { get; }

    /// <summary>Computes the result, sign-extended, and sets the flags.</summary>
    static abstract long Apply<TSize>(CpuState* state, long left, long right)
        where TSize : struct, IOperandSize;
}
