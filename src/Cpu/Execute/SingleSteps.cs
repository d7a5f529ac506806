// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Decode;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute;

// JUSTIFICATION: see Runner.
// SAFETY: see Runner.

/// <summary>Runs part of a block: the last instructions of a budget, or one instruction that is watched.</summary>
/// <remarks>Source: Intel SDM vol. 3A, sections 7.8.3 "Masking Exceptions and Interrupts When Switching Stacks" and
/// 19.3.1.4 "Single-Step Exception Condition".</remarks>
internal static unsafe class SingleSteps
{
    private const ulong Dr6SingleStep = 1ul << 14;
    private const int Dr6Slot = 4;

    public static void Run(CpuState* state, Block* block)
    {
        if (state->SingleStep != 0)
        {
            RunWatched(state, block);
        }
        else
        {
            RunSome(state, block, state->Budget);
        }
    }

    /// <summary>Runs at most so many instructions of a block.</summary>
    private static void RunSome(CpuState* state, Block* block, long count)
    {
        // Charged whole, like every block; the way out gives back what was not executed.
        state->Budget -= block->Count;
        state->CurrentBlock = block;
        Uop* uop = block->First;
        for (long index = 0; index < count && uop != null; index++)
        {
            uop = uop->Handler(state, uop);
        }

        if (uop != null)
        {
            Leaving.BeforeInstruction(state, uop);
        }
    }

    /// <summary>Runs one instruction, ends the interrupt shadow and RFLAGS.RF behind it, and traps if RFLAGS.TF was set
    /// before it.</summary>
    private static void RunWatched(CpuState* state, Block* block)
    {
        int shadow = state->InterruptShadow;
        ulong flags = state->SystemFlags;
        long budget = state->Budget;
        state->InterruptShadow = 0;
        state->SystemFlags &= ~RFlags.Resume;
        RunSome(state, block, count: 1);
        if (state->Budget == budget)
        {
            // Not retired, so still to come under the same conditions.
            state->InterruptShadow = shadow;
            state->SystemFlags |= flags & RFlags.Resume;
        }
        else if (TrapsAfter(state, flags))
        {
            *CpuState.DebugRegister(state, Dr6Slot) |= Dr6SingleStep;
            Faults.Raise(state, Faults.Debug);
        }

        ModeControl.RefreshFlags(state);
    }

    /// <summary>MOV SS and POP SS hold off the trap by one instruction.</summary>
    private static bool TrapsAfter(CpuState* state, ulong flagsBefore) =>
        (flagsBefore & RFlags.Trap) != 0
        && state->InterruptShadow != ModeControl.ShadowOfMovSs
        && state->Exit is ExitReason.None;
}
