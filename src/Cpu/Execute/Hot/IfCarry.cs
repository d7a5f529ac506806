// SPDX-License-Identifier: Apache-2.0

using System.Runtime.CompilerServices;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Hot;

// JUSTIFICATION: see ICondition.
// SAFETY: see ICondition.

/// <summary>CF: below.</summary>
internal readonly unsafe struct IfCarry : ICondition
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Holds(CpuState* state) => LazyFlags.Carry(state);
}
