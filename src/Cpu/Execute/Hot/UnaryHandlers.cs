// SPDX-License-Identifier: Apache-2.0

using System.Runtime.CompilerServices;
using KvmActors.Cpu.Decode;
using KvmActors.Cpu.Execute.Operands;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Hot;

// JUSTIFICATION: see BinaryHandlers.
// SAFETY: see BinaryHandlers.

/// <summary>INC, DEC, NEG and NOT.</summary>
internal static unsafe class UnaryHandlers<TMode, TOperation, TSize>
    where TMode : struct, IDispatch
    where TOperation : struct, IUnaryOperation
    where TSize : struct, IOperandSize
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static Uop* Register(CpuState* state, Uop* uop)
    {
        long value = RegisterFile.Read<TSize>(state, uop->Destination);
        RegisterFile.Write<TSize>(state, uop->Destination, TOperation.Apply<TSize>(state, value));
        return TMode.Next(state, uop);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static Uop* Memory(CpuState* state, Uop* uop)
    {
        byte* host = MemoryReference.ProbeWrite(state, uop, TSize.Bytes);
        if (host != null)
        {
            TSize.Write(host, TOperation.Apply<TSize>(state, TSize.Read(host)));
            return TMode.Next(state, uop);
        }

        if (!MemoryReference.ReadForModify(state, uop, TSize.Bytes))
        {
            return Leaving.BeforeInstruction(state, uop);
        }

        // The store cannot fail: ReadForModify has checked it.
        long result = TOperation.Apply<TSize>(state, TSize.Read((byte*)&state->Loaded));
        MemoryReference.Write(state, uop, TSize.Bytes, (ulong)result);
        return TMode.Next(state, uop);
    }
}
