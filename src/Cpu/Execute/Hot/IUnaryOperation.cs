// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Execute.Operands;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Hot;

// JUSTIFICATION: see IOperandSize.
// SAFETY: implementers touch only the lazy flags of the state.

/// <summary>INC, DEC, NEG or NOT, as a type parameter.</summary>
internal unsafe interface IUnaryOperation
{
    /// <summary>Computes the result, sign-extended, and sets the flags.</summary>
    static abstract long Apply<TSize>(CpuState* state, long value)
        where TSize : struct, IOperandSize;
}
