// SPDX-License-Identifier: Apache-2.0

using System.Runtime.CompilerServices;
using KvmActors.Cpu.Decode;
using KvmActors.Cpu.Execute.Operands;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Hot;

// JUSTIFICATION: see BinaryHandlers.
// SAFETY: see BinaryHandlers; blocks that are linked live as long as the block cache.

/// <summary>Jcc, SETcc and CMOVcc.</summary>
internal static unsafe class ConditionalHandlers<TMode, TCondition>
    where TMode : struct, IDispatch
    where TCondition : struct, ICondition
{
    /// <summary>Jcc whose target and successor are in the page of its block.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static Uop* JumpNear(CpuState* state, Uop* uop)
    {
        Block* block = state->CurrentBlock;
        if (TCondition.Holds(state))
        {
            state->Rip = uop->Immediate;
            return Links.Follow<TMode>(state, &block->Taken);
        }

        state->Rip = block->Start + uop->RipOffset + uop->Length;
        return Links.Follow<TMode>(state, &block->Fallthrough);
    }

    /// <summary>Jcc of which one or the other is in another page.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static Uop* JumpFar(CpuState* state, Uop* uop)
    {
        state->Rip = TCondition.Holds(state) ? uop->Immediate : Leaving.NextRip(state, uop);
        return Links.LookUp<TMode>(state);
    }

    /// <summary>Jcc in a mode with segment limits: the target was found inside the limit of CS when it was looked up,
    /// so the jump cache, which compares, leads the way.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static Uop* JumpSegmented(CpuState* state, Uop* uop)
    {
        if (!TCondition.Holds(state))
        {
            state->Rip = Leaving.NextRip(state, uop);
            return Links.LookUp<TMode>(state);
        }

        if (uop->Immediate > state->CodeLimit)
        {
            Faults.GeneralProtectionFault(state);
            return Leaving.BeforeInstruction(state, uop);
        }

        state->Rip = uop->Immediate;
        return Links.LookUp<TMode>(state);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static Uop* SetRegister(CpuState* state, Uop* uop)
    {
        *((byte*)state + uop->Destination) = TCondition.Holds(state) ? (byte)1 : (byte)0;
        return TMode.Next(state, uop);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static Uop* SetMemory(CpuState* state, Uop* uop)
    {
        return MemoryReference.Write(state, uop, sizeBytes: 1, TCondition.Holds(state) ? 1ul : 0ul)
            ? TMode.Next(state, uop)
            : Leaving.BeforeInstruction(state, uop);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static Uop* MoveRegister<TSize>(CpuState* state, Uop* uop)
        where TSize : struct, IOperandSize
    {
        // A 32-bit CMOVcc clears the upper half of its destination also if it does not move.
        byte from = TCondition.Holds(state) ? uop->Source : uop->Destination;
        RegisterFile.Write<TSize>(state, uop->Destination, RegisterFile.Read<TSize>(state, from));
        return TMode.Next(state, uop);
    }

    /// <summary>CMOVcc from memory, which is read, and may fault, whatever the condition.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static Uop* MoveMemory<TSize>(CpuState* state, Uop* uop)
        where TSize : struct, IOperandSize
    {
        if (!MemoryReference.Read(state, uop, TSize.Bytes))
        {
            return Leaving.BeforeInstruction(state, uop);
        }

        byte* from = TCondition.Holds(state) ? (byte*)&state->Loaded : (byte*)state + uop->Destination;
        RegisterFile.Write<TSize>(state, uop->Destination, TSize.Read(from));
        return TMode.Next(state, uop);
    }
}
