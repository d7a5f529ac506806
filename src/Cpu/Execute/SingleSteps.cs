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

    /// <summary>Runs the first instruction of a block, which may reach devices.</summary>
    public static void RunOnDevice(CpuState* state, Block* block)
    {
        state->MayReachDevices = 1;
        RunWatched(state, block);
        state->MayReachDevices = 0;
    }

    /// <summary>Runs at most so many instructions of a block, which is more than the budget or all that may run.
    /// </summary>
    private static void RunSome(CpuState* state, Block* block, long count)
    {
        // Charged whole, like every block, which leaves a budget that no other block can be entered with; the way out
        // gives back what was not executed. The way out is put where the instructions that may run end.
        state->Budget -= block->Count;
        state->CurrentBlock = block;
        Uop* end = block->First + Math.Min(count, block->Count);
        delegate* managed<CpuState*, Uop*, Uop*> handler = end->Handler;
        end->Handler = &Leaving.Leave;
        Uop* uop = block->First;
        do
        {
            uop = uop->Handler(state, uop);
        }
        while (uop != null);

        if (block->IsValid)
        {
            end->Handler = handler;
        }
    }

    /// <summary>Runs one instruction, ends the interrupt shadow and RFLAGS.RF behind it, and traps if RFLAGS.TF was
    /// set before it.</summary>
    private static void RunWatched(CpuState* state, Block* block)
    {
        int shadow = state->InterruptShadow;
        ulong flags = state->SystemFlags;

        // A budget of one, so that a branch does not go on into the next block.
        long rest = state->Budget - 1;
        state->Budget = 1;
        state->BudgetAtEntry -= rest;
        state->InterruptShadow = 0;
        state->SystemFlags &= ~RFlags.Resume;
        RunSome(state, block, count: 1);
        bool isRetired = state->Budget == 0;
        state->Budget += rest;
        state->BudgetAtEntry += rest;
        if (!isRetired)
        {
            // Still to come, under the same conditions.
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
