// SPDX-License-Identifier: Apache-2.0

using System.Runtime.CompilerServices;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Hot;

// JUSTIFICATION: see ICondition.
// SAFETY: see ICondition.

/// <summary>ZF, or SF differs from OF: signed, at most.</summary>
internal readonly unsafe struct IfLessOrEqual : ICondition
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Holds(CpuState* state) =>
        LazyFlags.Zero(state) || (LazyFlags.Sign(state) != LazyFlags.Overflow(state));
}
