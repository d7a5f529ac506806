// SPDX-License-Identifier: Apache-2.0

using System.Runtime.CompilerServices;
using KvmActors.Cpu.Decode;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute;

// JUSTIFICATION: threaded code: the host predicts each handler's jump by itself, and no loop stands between two
// handlers.
// SAFETY: sound only where the compiler turns the call into a jump, else the stack grows; see DispatchChoice.

/// <summary>The handler calls the next one as its last act, which optimised code does by a jump.</summary>
internal readonly unsafe struct TailDispatch : IDispatch
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Uop* Next(CpuState* state, Uop* uop) => uop[1].Handler(state, uop + 1);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Uop* Enter(CpuState* state, Uop* first) => first->Handler(state, first);
}
