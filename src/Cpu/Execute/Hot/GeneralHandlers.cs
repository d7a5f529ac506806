// SPDX-License-Identifier: Apache-2.0

using System.Runtime.CompilerServices;
using KvmActors.Cpu.Decode;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Hot;

// JUSTIFICATION: see IDispatch.
// SAFETY: the decoder sets Operation whenever it sets this handler.

/// <summary>Runs an <see cref="Uop.Operation"/>: the one handler of everything that is not worth its own.</summary>
internal static unsafe class GeneralHandlers<TMode>
    where TMode : struct, IDispatch
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static Uop* Execute(CpuState* state, Uop* uop)
    {
        Outcome outcome = uop->Operation(state, uop);
        if (outcome == Outcome.Next)
        {
            return TMode.Next(state, uop);
        }

        // After a jump RIP is set, and nothing behind this instruction was charged: it is the last of its block.
        return outcome == Outcome.NotRetired ? Leaving.BeforeInstruction(state, uop) : null;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static Uop* NoOperation(CpuState* state, Uop* uop) => TMode.Next(state, uop);

    /// <summary>Behind a block that ends because the next instruction cannot be part of it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static Uop* FallThrough(CpuState* state, Uop* uop)
    {
        Block* block = state->CurrentBlock;
        state->Rip = block->Start + uop->RipOffset;
        return Links.Follow<TMode>(state, &block->Fallthrough);
    }
}
