// SPDX-License-Identifier: Apache-2.0

using System.Runtime.CompilerServices;
using KvmActors.Cpu.Decode;
using KvmActors.Cpu.Execute.Operands;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Hot;

// JUSTIFICATION: these forms are half of all instructions a kernel executes; each is compiled for its operation, size
// and operand kinds, with the TLB probe inline.
// SAFETY: see MemoryReference and Tlb; the probes give host addresses inside RAM or null.

/// <summary>ADD, ADC, SUB, SBB, CMP, AND, OR, XOR and TEST in all their operand forms.</summary>
/// <remarks>Nothing is written before every access has succeeded, so a fault leaves the state as it was.</remarks>
internal static unsafe class BinaryHandlers<TMode, TOperation, TSize>
    where TMode : struct, IDispatch
    where TOperation : struct, IBinaryOperation
    where TSize : struct, IOperandSize
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static Uop* RegisterRegister(CpuState* state, Uop* uop)
    {
        long left = RegisterFile.Read<TSize>(state, uop->Destination);
        long right = RegisterFile.Read<TSize>(state, uop->Source);
        ApplyToRegister(state, uop, left, right);
        return TMode.Next(state, uop);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static Uop* RegisterImmediate(CpuState* state, Uop* uop)
    {
        long left = RegisterFile.Read<TSize>(state, uop->Destination);
        ApplyToRegister(state, uop, left, (long)uop->Immediate);
        return TMode.Next(state, uop);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static Uop* RegisterMemory(CpuState* state, Uop* uop)
    {
        byte* host = MemoryReference.ProbeRead(state, uop, TSize.Bytes);
        if (host == null)
        {
            if (!MemoryReference.Read(state, uop, TSize.Bytes))
            {
                return Leaving.BeforeInstruction(state, uop);
            }

            host = (byte*)&state->Loaded;
        }

        ApplyToRegister(state, uop, RegisterFile.Read<TSize>(state, uop->Destination), TSize.Read(host));
        return TMode.Next(state, uop);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static Uop* MemoryRegister(CpuState* state, Uop* uop)
    {
        return ApplyToMemory(state, uop, RegisterFile.Read<TSize>(state, uop->Source))
            ? TMode.Next(state, uop)
            : Leaving.BeforeInstruction(state, uop);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static Uop* MemoryImmediate(CpuState* state, Uop* uop)
    {
        return ApplyToMemory(state, uop, (long)uop->Immediate)
            ? TMode.Next(state, uop)
            : Leaving.BeforeInstruction(state, uop);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void ApplyToRegister(CpuState* state, Uop* uop, long left, long right)
    {
        long result = TOperation.Apply<TSize>(state, left, right);
        if (TOperation.WritesResult)
        {
            RegisterFile.Write<TSize>(state, uop->Destination, result);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool ApplyToMemory(CpuState* state, Uop* uop, long right)
    {
        byte* host = TOperation.WritesResult
            ? MemoryReference.ProbeWrite(state, uop, TSize.Bytes)
            : MemoryReference.ProbeRead(state, uop, TSize.Bytes);
        if (host == null)
        {
            return ApplyToMemorySlowly(state, uop, right);
        }

        long result = TOperation.Apply<TSize>(state, TSize.Read(host), right);
        if (TOperation.WritesResult)
        {
            TSize.Write(host, result);
        }

        return true;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool ApplyToMemorySlowly(CpuState* state, Uop* uop, long right)
    {
        bool loaded = TOperation.WritesResult
            ? MemoryReference.ReadForModify(state, uop, TSize.Bytes)
            : MemoryReference.Read(state, uop, TSize.Bytes);
        if (!loaded)
        {
            return false;
        }

        long result = TOperation.Apply<TSize>(state, TSize.Read((byte*)&state->Loaded), right);

        // Cannot fail: ReadForModify has checked it.
        return !TOperation.WritesResult || MemoryReference.Write(state, uop, TSize.Bytes, (ulong)result);
    }
}
