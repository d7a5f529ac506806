// SPDX-License-Identifier: Apache-2.0

using System.Runtime.CompilerServices;
using KvmActors.Cpu.Execute.Operands;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Hot;

// JUSTIFICATION: see IBinaryOperation.
// SAFETY: see IBinaryOperation.

/// <summary>TEST: AND without a result.</summary>
/// <remarks>Source: Intel SDM vol. 2, "TEST—Logical Compare", Flags Affected.</remarks>
internal readonly unsafe struct TestOperation : IBinaryOperation
{
    public static bool WritesResult => false;

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
