// SPDX-License-Identifier: Apache-2.0

using System.Runtime.CompilerServices;
using KvmActors.Cpu.Decode;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute;

// JUSTIFICATION: see IDispatch.
// SAFETY: see IDispatch.

/// <summary>The handler returns, and the runner's loop calls the next one. Works everywhere.</summary>
internal readonly unsafe struct LoopDispatch : IDispatch
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Uop* Next(CpuState* state, Uop* uop) => uop + 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Uop* Enter(CpuState* state, Uop* first) => first;
}
