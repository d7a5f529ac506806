// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Decode;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Operations;

// JUSTIFICATION: see CpuState.
// SAFETY: touches only the state.

/// <summary>VM time inside a run: one tick an instruction that is retired.</summary>
internal static unsafe class VmTime
{
    /// <summary>Value of <see cref="CpuState.MayReachDevices"/> between two runs, while time stands still.</summary>
    public const int Standing = 2;

    /// <summary>VM time at which an instruction executes: that of the run's start, and one for each instruction since.
    /// </summary>
    public static ulong Now(CpuState* state, Uop* uop)
    {
        // The block was charged whole; this instruction and those behind it are not retired yet.
        long notRetired = state->CurrentBlock->Count - uop->Ordinal;
        return state->VmTimeAtEntry + (ulong)(state->BudgetAtEntry - state->Budget - notRetired);
    }

    /// <summary>VM time of an instruction that runs by itself, and so is the first of its block.</summary>
    public static ulong OfStep(CpuState* state) => state->MayReachDevices == Standing
        ? state->VmTimeAtEntry
        : state->VmTimeAtEntry + (ulong)(state->BudgetAtEntry - state->Budget - state->CurrentBlock->Count);

    /// <summary>What RDTSC reads: VM time + TSC_ADJUST.</summary>
    public static ulong TimeStamp(CpuState* state, Uop* uop) =>
        Now(state, uop) + *CpuState.Msr(state, MsrSlots.TscAdjust);
}
