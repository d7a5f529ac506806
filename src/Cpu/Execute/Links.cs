// SPDX-License-Identifier: Apache-2.0

using System.Runtime.CompilerServices;
using KvmActors.Cpu.Decode;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute;

// JUSTIFICATION: the way from block to block, once every five instructions or so, without a return to the runner.
// SAFETY: a link leads to a block of the same cache; the cache reuses memory only with all links gone (DropAll). An
// invalidated block has an entry cost no budget covers, so it is never entered by a link.

/// <summary>Goes from one block to the next. RIP is set already; null sends the runner to find the block.</summary>
internal static unsafe class Links
{
    /// <summary>Goes by a link to a block in the same page. The translation cannot have changed, since this very page
    /// is being executed.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Uop* Follow<TMode>(CpuState* state, Block** link)
        where TMode : struct, IDispatch
    {
        Block* block = *link;
        if (block != null && state->Budget >= block->EntryCost)
        {
            state->Budget -= block->EntryCost;
            state->CurrentBlock = block;
            return TMode.Enter(state, block->Entry);
        }

        state->LinkSlot = link;
        return null;
    }

    /// <summary>Goes to the block the jump cache has for RIP.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Uop* LookUp<TMode>(CpuState* state)
        where TMode : struct, IDispatch
    {
        Block* block = JumpCache.Find(state);
        if (block != null && state->Budget >= block->EntryCost)
        {
            state->Budget -= block->EntryCost;
            state->CurrentBlock = block;
            return TMode.Enter(state, block->Entry);
        }

        return null;
    }
}
