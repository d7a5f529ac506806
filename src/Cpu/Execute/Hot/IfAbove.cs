// SPDX-License-Identifier: Apache-2.0

using System.Runtime.CompilerServices;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Hot;

// JUSTIFICATION: see ICondition.
// SAFETY: see ICondition.

/// <summary>The opposite of <see cref="IfBelowOrEqual"/>.</summary>
internal readonly unsafe struct IfAbove : ICondition
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Holds(CpuState* state) => !IfBelowOrEqual.Holds(state);
}
