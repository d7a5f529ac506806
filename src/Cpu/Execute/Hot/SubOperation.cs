// SPDX-License-Identifier: Apache-2.0

using System.Runtime.CompilerServices;
using KvmActors.Cpu.Execute.Operands;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Hot;

// JUSTIFICATION: see IBinaryOperation.
// SAFETY: see IBinaryOperation.

/// <summary>SUB.</summary>
/// <remarks>Source: Intel SDM vol. 2, "SUB—Subtract", Flags Affected.</remarks>
internal readonly unsafe struct SubOperation : IBinaryOperation
{
    public static bool WritesResult => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long Apply<TSize>(CpuState* state, long left, long right)
        where TSize : struct, IOperandSize
    {
        long result = TSize.Extend(left - right);
        state->FlagResult = (ulong)result;
        state->FlagCarries = (ulong)((~left & right) | ((~left | right) & result));
        state->FlagShape = TSize.Shape;
        return result;
    }
}
