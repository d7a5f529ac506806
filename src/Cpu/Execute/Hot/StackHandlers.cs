// SPDX-License-Identifier: Apache-2.0

using System.Runtime.CompilerServices;
using KvmActors.Cpu.Decode;
using KvmActors.Cpu.Execute.Operands;
using KvmActors.Cpu.Memory;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Hot;

// JUSTIFICATION: see BinaryHandlers.
// SAFETY: see BinaryHandlers and Links.

/// <summary>PUSH, POP, CALL, RET and JMP of 64-bit mode with 64-bit operands.</summary>
internal static unsafe class StackHandlers<TMode>
    where TMode : struct, IDispatch
{
    private const int SlotBytes = 8;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static Uop* PushRegister(CpuState* state, Uop* uop)
    {
        return Push(state, *(ulong*)((byte*)state + uop->Source))
            ? TMode.Next(state, uop)
            : Leaving.BeforeInstruction(state, uop);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static Uop* PushImmediate(CpuState* state, Uop* uop)
    {
        return Push(state, uop->Immediate)
            ? TMode.Next(state, uop)
            : Leaving.BeforeInstruction(state, uop);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static Uop* PopRegister(CpuState* state, Uop* uop)
    {
        if (!LoadTop(state))
        {
            return Leaving.BeforeInstruction(state, uop);
        }

        // In this order, so that POP RSP leaves what was read.
        state->Rsp += SlotBytes;
        *(ulong*)((byte*)state + uop->Destination) = state->Loaded;
        return TMode.Next(state, uop);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static Uop* CallNear(CpuState* state, Uop* uop)
    {
        Block* block = state->CurrentBlock;
        if (!Push(state, Leaving.NextRip(state, uop)))
        {
            return Leaving.BeforeInstruction(state, uop);
        }

        // The push may have invalidated this very block; a link is then followed from it once, which is still right.
        state->Rip = uop->Immediate;
        return Links.Follow<TMode>(state, &block->Taken);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static Uop* CallFar(CpuState* state, Uop* uop)
    {
        if (!Push(state, Leaving.NextRip(state, uop)))
        {
            return Leaving.BeforeInstruction(state, uop);
        }

        state->Rip = uop->Immediate;
        return Links.LookUp<TMode>(state);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static Uop* CallRegister(CpuState* state, Uop* uop) =>
        CallIndirect(state, uop, *(ulong*)((byte*)state + uop->Destination));

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static Uop* CallMemory(CpuState* state, Uop* uop)
    {
        return MemoryReference.Read(state, uop, SlotBytes)
            ? CallIndirect(state, uop, state->Loaded)
            : Leaving.BeforeInstruction(state, uop);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static Uop* Return(CpuState* state, Uop* uop)
    {
        if (!LoadTop(state))
        {
            return Leaving.BeforeInstruction(state, uop);
        }

        if (!LinearMemory.IsCanonical(state->Loaded))
        {
            return NotCanonical(state, uop);
        }

        // The immediate is the number of bytes to drop, 0 for the plain form.
        state->Rsp += SlotBytes + uop->Immediate;
        state->Rip = state->Loaded;
        return Links.LookUp<TMode>(state);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static Uop* JumpNear(CpuState* state, Uop* uop)
    {
        state->Rip = uop->Immediate;
        return Links.Follow<TMode>(state, &state->CurrentBlock->Taken);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static Uop* JumpFar(CpuState* state, Uop* uop)
    {
        state->Rip = uop->Immediate;
        return Links.LookUp<TMode>(state);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static Uop* JumpRegister(CpuState* state, Uop* uop) =>
        JumpIndirect(state, uop, *(ulong*)((byte*)state + uop->Destination));

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static Uop* JumpMemory(CpuState* state, Uop* uop)
    {
        return MemoryReference.Read(state, uop, SlotBytes)
            ? JumpIndirect(state, uop, state->Loaded)
            : Leaving.BeforeInstruction(state, uop);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Uop* JumpIndirect(CpuState* state, Uop* uop, ulong target)
    {
        if (!LinearMemory.IsCanonical(target))
        {
            return NotCanonical(state, uop);
        }

        state->Rip = target;
        return Links.LookUp<TMode>(state);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Uop* CallIndirect(CpuState* state, Uop* uop, ulong target)
    {
        if (!LinearMemory.IsCanonical(target))
        {
            return NotCanonical(state, uop);
        }

        if (!Push(state, Leaving.NextRip(state, uop)))
        {
            return Leaving.BeforeInstruction(state, uop);
        }

        state->Rip = target;
        return Links.LookUp<TMode>(state);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Uop* NotCanonical(CpuState* state, Uop* uop)
    {
        Faults.GeneralProtectionFault(state);
        return Leaving.BeforeInstruction(state, uop);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool Push(CpuState* state, ulong value)
    {
        ulong top = state->Rsp - SlotBytes;
        byte* host = Tlb.ProbeWrite(state, top, SlotBytes);
        if (host != null)
        {
            *(ulong*)host = value;
        }
        else if (!LinearMemory.WriteSlowly(state, top, SlotBytes, value, SegmentName.Ss))
        {
            state->Exit = ExitReason.Fault;
            return false;
        }

        state->Rsp = top;
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool LoadTop(CpuState* state)
    {
        byte* host = Tlb.ProbeRead(state, state->Rsp, SlotBytes);
        if (host != null)
        {
            state->Loaded = *(ulong*)host;
            return true;
        }

        if (LinearMemory.ReadSlowly(state, state->Rsp, SlotBytes, SegmentName.Ss))
        {
            return true;
        }

        state->Exit = ExitReason.Fault;
        return false;
    }
}
