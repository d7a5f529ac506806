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
    public static void Run(CpuState* state, Block* block)
    {
        if (block->HasBreakpoint != 0 && VcpuEngine.Of(state).Debug.StopsBefore(LinearRip(state)))
        {
            return;
        }

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

    /// <summary>Runs one instruction, unless a breakpoint is before it, ends the interrupt shadow and RFLAGS.RF behind
    /// it, and traps if RFLAGS.TF was set before it or it has met breakpoints.</summary>
    private static void RunWatched(CpuState* state, Block* block)
    {
        int shadow = state->InterruptShadow;
        ulong flags = state->SystemFlags;
        int held = state->DebugMatches;
        if (StopsBefore(state))
        {
            return;
        }

        // A budget of one, so that a branch does not go on into the next block.
        long rest = state->Budget - 1;
        state->Budget = 1;
        state->BudgetAtEntry -= rest;
        state->InterruptShadow = 0;
        state->SystemFlags &= ~RFlags.Resume;
        state->IsTrapDecided = 0;
        RunSome(state, block, count: 1);
        bool isRetired = state->Budget == 0;
        state->Budget += rest;
        state->BudgetAtEntry += rest;
        if (isRetired)
        {
            TrapAfter(state, (flags & RFlags.Trap) != 0);
        }
        else
        {
            // Still to come, under the same conditions. A port access is completed outside, with what it has met.
            bool isPort = state->Exit is ExitReason.PortRead or ExitReason.PortWrite;
            state->DebugMatches = isPort ? state->DebugMatches : held;
            state->InterruptShadow = shadow;
            state->SystemFlags |= flags & RFlags.Resume;
        }

        if (state->IsWatchMet != 0)
        {
            VcpuEngine.Of(state).Debug.OnWatchMet(
                isRetired, state->Exit is ExitReason.PortRead or ExitReason.PortWrite);
        }

        ModeControl.RefreshFlags(state);
    }

    private static ulong LinearRip(CpuState* state)
    {
        ulong linear = state->CodeBase + state->Rip;
        return state->Mode == CpuMode.Long64 ? linear : (uint)linear;
    }

    /// <summary>An execution breakpoint is a fault before its instruction: not behind MOV SS or POP SS, and not with
    /// RFLAGS.RF.</summary>
    private static bool StopsBefore(CpuState* state)
    {
        bool mayStop = Breakpoints.AnyEnabled(state) && (state->SystemFlags & RFlags.Resume) == 0
            && state->InterruptShadow != ModeControl.ShadowOfMovSs;
        int matches = mayStop ? Breakpoints.AtRip(state) : 0;
        if (matches == 0)
        {
            return false;
        }

        Breakpoints.Raise(state, matches, isSingleStep: false);
        return true;
    }

    /// <summary>MOV SS and POP SS hold off the trap by one instruction. An instruction that ends in a #DB of its own
    /// takes the matches with it.</summary>
    private static void TrapAfter(CpuState* state, bool hadTrapFlag)
    {
        if (state->InterruptShadow == ModeControl.ShadowOfMovSs)
        {
            return;
        }

        int matches = Breakpoints.TakeMatches(state);
        bool isSingleStep = hadTrapFlag && state->IsTrapDecided == 0;
        if (matches == 0 && !isSingleStep)
        {
            return;
        }

        if (state->Exit == ExitReason.Halted)
        {
            // A debug trap ends the halt before it begins.
            state->Activity = VcpuActivity.Running;
            state->Exit = ExitReason.None;
        }

        if (state->Exit == ExitReason.None)
        {
            Breakpoints.Raise(state, matches, isSingleStep);
        }
    }
}
