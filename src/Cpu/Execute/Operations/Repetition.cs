// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Decode;
using KvmActors.Cpu.Execute.Operands;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Operations;

// JUSTIFICATION: see CpuState.
// SAFETY: calls a static method through its pointer.

/// <summary>REP: an iteration counts as one instruction and can be a stop, with RIP at the instruction and the
/// registers moved on.</summary>
/// <remarks>Source: Intel SDM vol. 2B, "REP/REPE/REPZ/REPNE/REPNZ". A repeated instruction is the last of its block, so
/// the block's charge covers its first iteration, and the budget holds exactly what may follow.</remarks>
internal static unsafe class Repetition
{
    /// <summary>Runs a string instruction: once, or as often as its prefix, its count and the budget say.</summary>
    /// <param name="state">The vCPU.</param>
    /// <param name="uop">The instruction.</param>
    /// <param name="iterate">Does up to as many iterations as it is told, at least one, and says how many; 0 with the
    /// fault recorded.</param>
    /// <param name="comparesZero">True for CMPS and SCAS, which end also by ZF.</param>
    public static Outcome Run(
        CpuState* state, Uop* uop, delegate* managed<CpuState*, Uop*, long, long> iterate, bool comparesZero)
    {
        const UopFlags AnyRepeat = UopFlags.Repeat | UopFlags.RepeatWhileNotEqual;
        if ((uop->Flags & AnyRepeat) == 0)
        {
            return iterate(state, uop, 1) != 0 ? Outcome.Next : Faults.Raised(state);
        }

        long allowed = state->SingleStep != 0 ? 1 : state->Budget + 1;
        long total = 0;
        while (true)
        {
            ulong count = MemoryReference.Cut(state->Rcx, uop->AddressBits);
            if (count == 0)
            {
                return Finish(state, uop, total);
            }

            if (total == allowed || !state->CurrentBlock->IsValid)
            {
                return Stop(state, uop, total);
            }

            long possible = (long)Math.Min(count, (ulong)(allowed - total));
            long done = iterate(state, uop, possible);
            if (done == 0)
            {
                // The way out gives back the charge for this instruction; the iterations that are done have to stay.
                state->Budget -= total;
                return Faults.Raised(state);
            }

            total += done;
            AddressRegister.Write(&state->Rcx, uop->AddressBits, count - (ulong)done);
            bool wantsEqual = (uop->Flags & UopFlags.Repeat) != 0;
            if (comparesZero && LazyFlags.Zero(state) != wantsEqual)
            {
                return Finish(state, uop, total);
            }
        }
    }

    /// <summary>The instruction is complete.</summary>
    private static Outcome Finish(CpuState* state, Uop* uop, long total)
    {
        state->Budget -= Math.Max(total, 1) - 1;
        state->Rip = Leaving.NextRip(state, uop);
        return Outcome.Jumped;
    }

    /// <summary>The budget is used up, or the instruction's own bytes have changed: it goes on at the next
    /// run.</summary>
    private static Outcome Stop(CpuState* state, Uop* uop, long total)
    {
        state->Budget -= Math.Max(total, 1) - 1;
        state->Rip = Leaving.Rip(state, uop);
        return Outcome.Jumped;
    }
}
