// SPDX-License-Identifier: Apache-2.0

using System.Runtime.CompilerServices;
using KvmActors.Cpu.Execute.Operands;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Hot;

// JUSTIFICATION: see IUnaryOperation.
// SAFETY: see IUnaryOperation.

/// <summary>NOT; touches no flag.</summary>
/// <remarks>Source: Intel SDM vol. 2, "NOT—One's Complement Negation", Flags Affected.</remarks>
internal readonly unsafe struct NotOperation : IUnaryOperation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long Apply<TSize>(CpuState* state, long value)
        where TSize : struct, IOperandSize
    {
        return TSize.Extend(~value);
    }
}
