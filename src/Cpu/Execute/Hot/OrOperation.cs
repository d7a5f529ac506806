// SPDX-License-Identifier: Apache-2.0

using System.Runtime.CompilerServices;
using KvmActors.Cpu.Execute.Operands;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Hot;

// JUSTIFICATION: see IBinaryOperation.
// SAFETY: see IBinaryOperation.

/// <summary>OR.</summary>
/// <remarks>Source: Intel SDM vol. 2, "OR—Logical Inclusive OR", Flags Affected.</remarks>
internal readonly unsafe struct OrOperation : IBinaryOperation
{
    public static bool WritesResult => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long Apply<TSize>(CpuState* state, long left, long right)
        where TSize : struct, IOperandSize
    {
        long result = left | right;
        state->FlagResult = (ulong)result;
        state->FlagCarries = 0;
        state->FlagShape = TSize.Shape;
        return result;
    }
}
