// SPDX-License-Identifier: Apache-2.0

using System.Runtime.CompilerServices;
using KvmActors.Cpu.Decode;
using KvmActors.Cpu.Execute.Operands;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Hot;

// JUSTIFICATION: see BinaryHandlers.
// SAFETY: see BinaryHandlers.

/// <summary>MOV and LEA.</summary>
internal static unsafe class MoveHandlers<TMode, TSize>
    where TMode : struct, IDispatch
    where TSize : struct, IOperandSize
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static Uop* RegisterRegister(CpuState* state, Uop* uop)
    {
        RegisterFile.Write<TSize>(state, uop->Destination, RegisterFile.Read<TSize>(state, uop->Source));
        return TMode.Next(state, uop);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static Uop* RegisterImmediate(CpuState* state, Uop* uop)
    {
        RegisterFile.Write<TSize>(state, uop->Destination, (long)uop->Immediate);
        return TMode.Next(state, uop);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static Uop* Load(CpuState* state, Uop* uop)
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

        RegisterFile.Write<TSize>(state, uop->Destination, TSize.Read(host));
        return TMode.Next(state, uop);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static Uop* Store(CpuState* state, Uop* uop)
    {
        byte* host = MemoryReference.ProbeWrite(state, uop, TSize.Bytes);
        long value = RegisterFile.Read<TSize>(state, uop->Source);
        if (host != null)
        {
            TSize.Write(host, value);
        }
        else if (!MemoryReference.Write(state, uop, TSize.Bytes, (ulong)value))
        {
            return Leaving.BeforeInstruction(state, uop);
        }

        return TMode.Next(state, uop);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static Uop* StoreImmediate(CpuState* state, Uop* uop)
    {
        byte* host = MemoryReference.ProbeWrite(state, uop, TSize.Bytes);
        if (host != null)
        {
            TSize.Write(host, (long)uop->Immediate);
        }
        else if (!MemoryReference.Write(state, uop, TSize.Bytes, uop->Immediate))
        {
            return Leaving.BeforeInstruction(state, uop);
        }

        return TMode.Next(state, uop);
    }

    /// <summary>LEA with a 64-bit address size: the sum is not cut.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static Uop* LoadEffectiveAddress64(CpuState* state, Uop* uop)
    {
        RegisterFile.Write<TSize>(state, uop->Destination, (long)MemoryReference.Sum(state, uop));
        return TMode.Next(state, uop);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static Uop* LoadEffectiveAddress(CpuState* state, Uop* uop)
    {
        RegisterFile.Write<TSize>(state, uop->Destination, (long)MemoryReference.Offset(state, uop));
        return TMode.Next(state, uop);
    }
}
