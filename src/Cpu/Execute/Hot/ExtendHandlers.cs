// SPDX-License-Identifier: Apache-2.0

using System.Runtime.CompilerServices;
using KvmActors.Cpu.Decode;
using KvmActors.Cpu.Execute.Operands;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Hot;

// JUSTIFICATION: see BinaryHandlers.
// SAFETY: see BinaryHandlers.

/// <summary>MOVZX, MOVSX and MOVSXD from a narrower operand.</summary>
internal static unsafe class ExtendHandlers<TMode, TTo, TFrom>
    where TMode : struct, IDispatch
    where TTo : struct, IOperandSize
    where TFrom : struct, IOperandSize
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static Uop* ZeroFromRegister(CpuState* state, Uop* uop)
    {
        long value = RegisterFile.Read<TFrom>(state, uop->Source);
        RegisterFile.Write<TTo>(state, uop->Destination, (long)TFrom.Unsigned(value));
        return TMode.Next(state, uop);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static Uop* SignFromRegister(CpuState* state, Uop* uop)
    {
        RegisterFile.Write<TTo>(state, uop->Destination, RegisterFile.Read<TFrom>(state, uop->Source));
        return TMode.Next(state, uop);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static Uop* ZeroFromMemory(CpuState* state, Uop* uop)
    {
        byte* host = MemoryReference.ProbeRead(state, uop, TFrom.Bytes);
        if (host == null)
        {
            if (!MemoryReference.Read(state, uop, TFrom.Bytes))
            {
                return Leaving.BeforeInstruction(state, uop);
            }

            host = (byte*)&state->Loaded;
        }

        RegisterFile.Write<TTo>(state, uop->Destination, (long)TFrom.Unsigned(TFrom.Read(host)));
        return TMode.Next(state, uop);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static Uop* SignFromMemory(CpuState* state, Uop* uop)
    {
        byte* host = MemoryReference.ProbeRead(state, uop, TFrom.Bytes);
        if (host == null)
        {
            if (!MemoryReference.Read(state, uop, TFrom.Bytes))
            {
                return Leaving.BeforeInstruction(state, uop);
            }

            host = (byte*)&state->Loaded;
        }

        RegisterFile.Write<TTo>(state, uop->Destination, TFrom.Read(host));
        return TMode.Next(state, uop);
    }
}
