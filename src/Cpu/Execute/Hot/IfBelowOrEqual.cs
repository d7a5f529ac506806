// SPDX-License-Identifier: Apache-2.0

using System.Runtime.CompilerServices;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Hot;

// JUSTIFICATION: see ICondition.
// SAFETY: see ICondition.

/// <summary>CF or ZF: unsigned, at most.</summary>
internal readonly unsafe struct IfBelowOrEqual : ICondition
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Holds(CpuState* state) => LazyFlags.Carry(state) || LazyFlags.Zero(state);
}
