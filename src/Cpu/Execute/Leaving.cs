// SPDX-License-Identifier: Apache-2.0

using System.Runtime.CompilerServices;
using KvmActors.Cpu.Decode;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute;

// JUSTIFICATION: see CpuState.
// SAFETY: CurrentBlock is the block the micro-operation belongs to, set by whoever entered it.

/// <summary>The ways out of a block before its end. A block was charged whole when it was entered, so each gives back
/// what was not executed and sets RIP.</summary>
internal static unsafe class Leaving
{
    /// <summary>The handler of every micro-operation of an invalidated block, and of the one behind the last
    /// instruction: go on at this RIP.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static Uop* Leave(CpuState* state, Uop* uop)
    {
        BeforeInstruction(state, uop);
        return null;
    }

    /// <summary>Leaves with this instruction, and all behind it, not executed. The exit reason is set by the caller.
    /// </summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static Uop* BeforeInstruction(CpuState* state, Uop* uop)
    {
        Block* block = state->CurrentBlock;
        state->Budget += block->Count - uop->Ordinal;
        state->Rip = block->Start + uop->RipOffset;
        return null;
    }

    /// <summary>RIP of the instruction behind this one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong NextRip(CpuState* state, Uop* uop) => Rip(state, uop) + uop->Length;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Rip(CpuState* state, Uop* uop) => state->CurrentBlock->Start + uop->RipOffset;
}
