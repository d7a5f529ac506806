// SPDX-License-Identifier: Apache-2.0

using System.Runtime.CompilerServices;
using KvmActors.Cpu.Decode;
using KvmActors.Cpu.Execute.Operands;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Hot;

// JUSTIFICATION: see BinaryHandlers.
// SAFETY: see BinaryHandlers.

/// <summary>SHL, SHR, SAR, ROL, ROR, RCL and RCR.</summary>
internal static unsafe class ShiftHandlers<TMode, TOperation, TSize>
    where TMode : struct, IDispatch
    where TOperation : struct, IShiftOperation
    where TSize : struct, IOperandSize
{
    /// <summary>A register by an immediate that the decoder has masked and found not to be 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static Uop* RegisterImmediate(CpuState* state, Uop* uop)
    {
        long value = RegisterFile.Read<TSize>(state, uop->Destination);
        long result = TOperation.Apply<TSize>(state, value, (int)uop->Immediate);
        RegisterFile.Write<TSize>(state, uop->Destination, result);
        return TMode.Next(state, uop);
    }

    /// <summary>Count 0 changes no flag, but a 32-bit register is written all the same.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static Uop* RegisterByZero(CpuState* state, Uop* uop)
    {
        RegisterFile.Write<TSize>(state, uop->Destination, RegisterFile.Read<TSize>(state, uop->Destination));
        return TMode.Next(state, uop);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static Uop* RegisterByCl(CpuState* state, Uop* uop)
    {
        int count = MaskedCl(state);
        long value = RegisterFile.Read<TSize>(state, uop->Destination);

        // As RegisterByZero.
        long result = count == 0 ? value : TOperation.Apply<TSize>(state, value, count);
        RegisterFile.Write<TSize>(state, uop->Destination, result);
        return TMode.Next(state, uop);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static Uop* MemoryImmediate(CpuState* state, Uop* uop) =>
        Modify(state, uop, (int)uop->Immediate)
            ? TMode.Next(state, uop)
            : Leaving.BeforeInstruction(state, uop);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static Uop* MemoryByCl(CpuState* state, Uop* uop) =>
        Modify(state, uop, MaskedCl(state))
            ? TMode.Next(state, uop)
            : Leaving.BeforeInstruction(state, uop);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool Modify(CpuState* state, Uop* uop, int count)
    {
        if (!MemoryReference.ReadForModify(state, uop, TSize.Bytes))
        {
            return false;
        }

        if (count == 0)
        {
            return true;
        }

        long result = TOperation.Apply<TSize>(state, TSize.Read((byte*)&state->Loaded), count);
        return MemoryReference.Write(state, uop, TSize.Bytes, (ulong)result);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int MaskedCl(CpuState* state) => (int)state->Rcx & (TSize.Bytes == 8 ? 63 : 31);
}
