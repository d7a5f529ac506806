// SPDX-License-Identifier: Apache-2.0

using System.Runtime.CompilerServices;
using KvmActors.Cpu.Decode;
using KvmActors.Cpu.Execute;
using KvmActors.Cpu.Memory;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Translate;

// JUSTIFICATION: the micro-operations that stand before blocks: one on every entry of a block that is not linked.
// SAFETY: whoever enters a block has charged it and set CurrentBlock; records name blocks that live as long as their
// host code.

/// <summary>The handlers of the micro-operation before a block: first it counts, then it runs host code.</summary>
internal static unsafe class TierEntry
{
    /// <summary>So many instructions cost the interpreter what the ways into host code and out of it cost.</summary>
    private const int WorthEntering = 8;

    /// <summary>Runs in a row that were shorter than that; more than the entries after which what follows is hot,
    /// as these are by default.</summary>
    private const ulong ShortRunsMax = 100;

    private const ulong RestEntries = 4096;

    /// <summary>Counts an entry, and translates the block when it has become hot.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static Uop* Count(CpuState* state, Uop* uop)
    {
        uop->Immediate++;
        return uop->Immediate < uop->Displacement ? state->CurrentBlock->First : Translate(state, uop);
    }

    /// <summary>Runs host code from the start of the block on, until it is left.</summary>
    /// <returns>The micro-operation the interpreter goes on with, or null to find the next block.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static Uop* Enter(CpuState* state, Uop* uop)
    {
        var tier = (TierData*)state->TierData;
        long before = tier->Instructions;
        if (state->MissedCache != null)
        {
            FillMissed(state);
        }

        Uop* next = Run(state, (byte*)uop->Immediate, index: 0);
        if (tier->Instructions - before >= WorthEntering)
        {
            uop->Displacement = 0;
        }
        else if (++uop->Displacement == ShortRunsMax)
        {
            uop->Displacement = 0;
            uop->Handler = &Rest;
        }

        return next;
    }

    /// <summary>A jump of host code did not find this block, maybe: the interpreter did.</summary>
    private static void FillMissed(CpuState* state)
    {
        var missed = (InlineCache*)state->MissedCache;
        Block* block = state->CurrentBlock;
        state->MissedCache = null;
        if (missed->Rip == block->Rip && block->HostCode != null && JumpCache.Holds(state, block))
        {
            missed->HostCode = block->HostCode;
            missed->Epoch = state->JumpEpoch;
        }
    }

    /// <summary>Leaves a block to the interpreter for a while, whose host code has led nowhere so often.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static Uop* Rest(CpuState* state, Uop* uop)
    {
        if (++uop->Displacement == RestEntries)
        {
            uop->Displacement = 0;
            uop->Handler = &Enter;
        }

        return state->CurrentBlock->First;
    }

    /// <summary>Runs host code again behind an instruction that the interpreter has executed.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static Uop* Resume(CpuState* state, Uop* uop)
    {
        Block* block = state->CurrentBlock;
        return block->IsValid ? Run(state, (byte*)uop->Immediate, uop->Ordinal) : block->First + uop->Ordinal;
    }

    /// <summary>Runs host code from an instruction of the present block on.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Uop* Run(CpuState* state, byte* code, int index)
    {
        var tier = (TierData*)state->TierData;
        FlagWord.Save(state);
        tier->Entries++;

        // The block is charged already.
        tier->Instructions += state->Budget + state->CurrentBlock->Count - index;
        ExitRecord* exit = tier->Enter(state, code);
        while (true)
        {
            switch (exit->Kind)
            {
                case ExitKind.Step:
                    if (exit->AccessBytes != 0 && TryFill(state, exit))
                    {
                        tier->Fills++;
                        exit = exit->HasSimd
                            ? tier->EnterWithSimd(state, exit)
                            : tier->Enter(state, (byte*)exit->Target);
                        continue;
                    }

                    tier->Steps++;
                    tier->Instructions -= state->Budget + exit->Block->Count - exit->Index;
                    FlagWord.Restore(state);
                    state->CurrentBlock = exit->Block;
                    return exit->Resume == null ? exit->Block->First + exit->Index : Alone(tier, exit);
                case ExitKind.Edge:
                    code = Follow(state, tier, exit, out Uop* next);
                    if (code != null)
                    {
                        exit = tier->Enter(state, code);
                        continue;
                    }

                    tier->Instructions -= state->Budget + (next != null ? state->CurrentBlock->Count : 0);
                    FlagWord.Restore(state);
                    return next;
                default:
                    tier->Instructions -= state->Budget;
                    FlagWord.Restore(state);
                    state->Rip = exit->Target;
                    return null;
            }
        }
    }

    /// <summary>The instruction at which host code was left, followed by the way back.</summary>
    private static Uop* Alone(TierData* tier, ExitRecord* exit)
    {
        tier->Lone = exit->Block->First[exit->Index];
        tier->Back.Handler = &Resume;
        tier->Back.Immediate = (ulong)exit->Resume;
        tier->Back.Ordinal = (byte)(exit->Index + 1);
        return &tier->Lone;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Uop* Translate(CpuState* state, Uop* uop)
    {
        Block* block = state->CurrentBlock;
        var tier = (TranslatorTier)VcpuEngine.Of(state).Blocks.Tier!;
        if (tier.TryTranslate(state, block))
        {
            return Enter(state, uop);
        }

        block->Entry = block->First;
        return block->First;
    }

    /// <summary>As <see cref="Links.Follow"/>, and lets the host code jump there by itself the next time.</summary>
    /// <returns>Host code to go on with, or null with the micro-operation to go on with.</returns>
    private static byte* Follow(CpuState* state, TierData* tier, ExitRecord* exit, out Uop* next)
    {
        Block* from = exit->Block;
        Block** link = exit->IsChosen ? &from->Taken : &from->Fallthrough;
        Block* block = *link;
        state->Rip = exit->Target;
        next = null;
        if (block == null || state->Budget < block->EntryCost)
        {
            state->LinkSlot = link;
            return null;
        }

        state->Budget -= block->EntryCost;
        state->CurrentBlock = block;
        if (block->HostCode == null)
        {
            next = block->Entry;
            return null;
        }

        TranslatorTier.Link(exit, block, tier->ToExecutable);
        return (byte*)block->Entry->Immediate;
    }

    /// <summary>Fills the TLB for an access that missed it.</summary>
    /// <returns>True if the access can be done now; false if the interpreter has to look at it.</returns>
    private static bool TryFill(CpuState* state, ExitRecord* exit)
    {
        if (state->ActiveTlb == Tlb.Set(state, Tlb.EmptySet))
        {
            // Checks come before the walk, which would mark pages as accessed.
            return false;
        }

        ulong linear = state->SlowAddress;
        int last = exit->AccessBytes - 1;
        bool isInPage = (linear % GuestMemory.PageBytes) + (ulong)last < GuestMemory.PageBytes;
        bool isWrite = exit->IsChosen;
        if (!isInPage || !LinearMemory.IsCanonical(linear)
            || !PageAccess.Translate(state, linear, isWrite ? AccessKind.Write : AccessKind.Read, out _))
        {
            return false;
        }

        byte* host = isWrite ? Tlb.ProbeWrite(state, linear, last + 1) : Tlb.ProbeRead(state, linear, last + 1);
        return host != null && exit->Block->IsValid;
    }
}
