// SPDX-License-Identifier: Apache-2.0

using System.Runtime.CompilerServices;
using KvmActors.Cpu.Execute.Operands;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Hot;

// JUSTIFICATION: see IBinaryOperation.
// SAFETY: see IBinaryOperation.

/// <summary>AND.</summary>
/// <remarks>Source: Intel SDM vol. 2, "AND—Logical AND", Flags Affected.</remarks>
internal readonly unsafe struct AndOperation : IBinaryOperation
{
    public static bool WritesResult => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long Apply<TSize>(CpuState* state, long left, long right)
        where TSize : struct, IOperandSize
    {
        long result = left & right;
        state->FlagResult = (ulong)result;
        state->FlagCarries = 0;
        state->FlagShape = TSize.Shape;
        return result;
    }
}
