// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Execute.Operands;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Hot;

// JUSTIFICATION: see IOperandSize.
// SAFETY: implementers touch only the lazy flags of the state.

/// <summary>A shift or rotate, as a type parameter.</summary>
/// <remarks>The manuals leave OF undefined for counts above 1; here it is what the formula for count 1 gives on the
/// last step, and AF is 0.</remarks>
internal unsafe interface IShiftOperation
{
    /// <summary>Shifts and sets the flags.</summary>
    /// <param name="state">The vCPU.</param>
    /// <param name="value">The operand, sign-extended.</param>
    /// <param name="count">Masked to 5 bits (6 for 64-bit operands) and not 0.</param>
    static abstract long Apply<TSize>(CpuState* state, long value, int count)
        where TSize : struct, IOperandSize;
}
