// SPDX-License-Identifier: Apache-2.0

using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using KvmActors.Cpu.Decode;
using KvmActors.Cpu.Execute.Operands;
using KvmActors.Cpu.Memory;
using KvmActors.Cpu.State;
using Bytes = System.Runtime.Intrinsics.Vector128<byte>;

namespace KvmActors.Cpu.Execute.Simd;

// JUSTIFICATION: see MemoryReference.
// SAFETY: a host address comes from a TLB probe of 16 bytes, which keeps them inside of one page; everything else goes
// through LinearMemory.

/// <summary>Operands in XMM or MMX registers or in memory of 1 to 16 bytes; shorter ones are zero-extended.</summary>
/// <remarks>On false the fault is recorded and raised, and nothing is changed. A store is checked whole before its
/// first byte is written. An operand of 16 bytes that has to be aligned and is not is #GP(0), of whichever segment; one
/// that has not is never #AC, as CPUs do it. Source: Intel SDM vol. 1, section 11.4.1; vol. 2A, section 2.4.</remarks>
internal static unsafe class VectorOperand
{
    private const int WholeBytes = 16;
    private const int WholeSizeLog = 4;
    private const int HalfBytes = 8;

    /// <summary>The second operand: a whole XMM register, or memory.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryReadXmm(CpuState* state, Uop* uop, out Bytes value)
    {
        if (uop->SourceKind == OperandKind.Register)
        {
            value = *XmmRegisters.At(state, uop->Source);
            return true;
        }

        return TryReadMemory(state, uop, out value);
    }

    /// <summary>The second operand: an MMX register, or memory.</summary>
    public static bool TryReadMmx(CpuState* state, Uop* uop, out Bytes value)
    {
        if (uop->SourceKind == OperandKind.Register)
        {
            value = Vector128.CreateScalar(MmxRegisters.Read(state, uop->Source)).AsByte();
            return true;
        }

        return TryReadMemory(state, uop, out value);
    }

    public static bool TryReadMemory(CpuState* state, Uop* uop, out Bytes value)
    {
        if (uop->SizeLog != WholeSizeLog)
        {
            bool loaded = MemoryReference.Read(state, uop, 1 << uop->SizeLog);
            value = Vector128.CreateScalar(state->Loaded).AsByte();
            return loaded;
        }

        byte* host = MemoryReference.ProbeRead(state, uop, WholeBytes);
        if (host == null || !IsAligned(uop, (ulong)host))
        {
            return TryReadWhole(state, uop, out value);
        }

        value = Vector128.Load(host);
        return true;
    }

    /// <summary>Stores the low bytes of a value to the memory operand.</summary>
    public static bool TryWriteMemory(CpuState* state, Uop* uop, Bytes value)
    {
        if (uop->SizeLog != WholeSizeLog)
        {
            return MemoryReference.Write(state, uop, 1 << uop->SizeLog, value.AsUInt64().ToScalar());
        }

        byte* host = MemoryReference.ProbeWrite(state, uop, WholeBytes);
        if (host == null || !IsAligned(uop, (ulong)host))
        {
            return TryWriteWhole(state, uop, value);
        }

        value.Store(host);
        return true;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool TryReadWhole(CpuState* state, Uop* uop, out Bytes value)
    {
        value = default;
        byte* bytes = stackalloc byte[WholeBytes];
        int step = Step(state);
        bool loaded = TryResolve(state, uop, AccessKind.Read, out ulong linear);
        for (int at = 0; at < WholeBytes && loaded; at += step)
        {
            loaded = LinearMemory.Read(state, At(state, linear, at), step, uop->Segment);
            if (step == HalfBytes)
            {
                *(ulong*)(bytes + at) = state->Loaded;
            }
            else
            {
                bytes[at] = (byte)state->Loaded;
            }
        }

        if (!loaded)
        {
            state->Exit = ExitReason.Fault;
            return false;
        }

        value = Vector128.Load(bytes);
        return true;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool TryWriteWhole(CpuState* state, Uop* uop, Bytes value)
    {
        byte* bytes = stackalloc byte[WholeBytes];
        value.Store(bytes);
        int step = Step(state);
        bool stored = TryResolve(state, uop, AccessKind.Write, out ulong linear);
        for (int at = 0; at < WholeBytes && stored; at += step)
        {
            stored = LinearMemory.CheckWrite(state, At(state, linear, at), step, uop->Segment);
        }

        for (int at = 0; at < WholeBytes && stored; at += step)
        {
            ulong piece = step == HalfBytes ? *(ulong*)(bytes + at) : bytes[at];
            stored = LinearMemory.Write(state, At(state, linear, at), step, piece, uop->Segment);
        }

        if (!stored)
        {
            state->Exit = ExitReason.Fault;
        }

        return stored;
    }

    /// <summary>Bytes at a time: one where alignment is checked, so that it is not.</summary>
    private static int Step(CpuState* state) => ModeControl.ChecksAlignment(state) ? 1 : HalfBytes;

    private static bool TryResolve(CpuState* state, Uop* uop, AccessKind access, out ulong linear)
    {
        if (!MemoryReference.Resolve(state, uop, WholeBytes, access, out linear))
        {
            return false;
        }

        if (IsAligned(uop, linear))
        {
            return true;
        }

        Faults.Record(state, Faults.GeneralProtection, errorCode: 0);
        return false;
    }

    /// <summary>RAM begins on a page of the host, so that host addresses are aligned as the guest's are.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool IsAligned(Uop* uop, ulong address) =>
        (address & (WholeBytes - 1)) == 0 || (uop->Flags & UopFlags.Aligned) == 0;

    private static ulong At(CpuState* state, ulong linear, int offset) =>
        state->Mode == CpuMode.Long64 ? linear + (ulong)offset : (uint)(linear + (ulong)offset);
}
