// SPDX-License-Identifier: Apache-2.0

using System.Buffers.Binary;
using Iced.Intel;
using KvmActors.Cpu.Decode;
using KvmActors.Cpu.Execute.Hot;
using KvmActors.Cpu.Execute.Operands;
using KvmActors.Cpu.Memory;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Operations;

// JUSTIFICATION: see CpuState.
// SAFETY: operands are reached through GeneralOperand and LinearMemory.

/// <summary>XCHG, XADD, CMPXCHG in its sizes, BSWAP, MOVBE.</summary>
/// <remarks>LOCK changes nothing: one vCPU of a VM runs at a time, and never stops inside an instruction. Source: Intel
/// SDM vol. 2, "XCHG", "XADD", "CMPXCHG", "CMPXCHG8B/CMPXCHG16B", "BSWAP", "MOVBE".</remarks>
internal static unsafe class ExchangeOperations
{
    private const byte RaxOffset = 0;
    private const ulong PairAlignment = 15;

    public static void Register(InstructionTable table)
    {
        table.Add(Mnemonic.Xchg, &Exchange);
        table.Add(Mnemonic.Xadd, &ExchangeAdd);
        table.Add(Mnemonic.Cmpxchg, &CompareExchange);
        table.Add(Mnemonic.Cmpxchg8b, &CompareExchange8, GuestFeature.Cx8);
        table.Add(Mnemonic.Cmpxchg16b, &CompareExchange16, GuestFeature.Cx16);
        table.Add(Mnemonic.Bswap, &SwapBytes);
        table.Add(Mnemonic.Movbe, &MoveBigEndian, GuestFeature.Movbe);
    }

    private static Outcome Exchange(CpuState* state, Uop* uop)
    {
        int bytes = GeneralOperand.Bytes(uop);
        ulong source = RegisterFile.Read(state, uop->Source, bytes);
        if (!GeneralOperand.TryReadForModify(state, uop, out ulong destination)
            || !GeneralOperand.TryWriteDestination(state, uop, source))
        {
            return Outcome.NotRetired;
        }

        RegisterFile.Write(state, uop->Source, bytes, destination);
        return Outcome.Next;
    }

    private static Outcome ExchangeAdd(CpuState* state, Uop* uop)
    {
        if (!GeneralOperand.TryReadForModify(state, uop, out ulong destination))
        {
            return Outcome.NotRetired;
        }

        int bytes = GeneralOperand.Bytes(uop);
        ulong source = RegisterFile.Read(state, uop->Source, bytes);
        ulong sum = Add(state, destination, source, bytes);

        if (uop->DestinationKind == OperandKind.Memory)
        {
            // Before the source changes, which may be part of the address.
            GeneralOperand.TryWriteDestination(state, uop, sum);
            RegisterFile.Write(state, uop->Source, bytes, destination);
            return Outcome.Next;
        }

        // The source first, so that with two equal registers the sum is what remains.
        RegisterFile.Write(state, uop->Source, bytes, destination);
        RegisterFile.Write(state, uop->Destination, bytes, sum);
        return Outcome.Next;
    }

    private static ulong Add(CpuState* state, ulong left, ulong right, int bytes) => bytes switch
    {
        1 => (ulong)AddOperation.Apply<Operand8>(state, (sbyte)left, (sbyte)right),
        2 => (ulong)AddOperation.Apply<Operand16>(state, (short)left, (short)right),
        4 => (ulong)AddOperation.Apply<Operand32>(state, (int)left, (int)right),
        _ => (ulong)AddOperation.Apply<Operand64>(state, (long)left, (long)right),
    };

    private static Outcome CompareExchange(CpuState* state, Uop* uop)
    {
        if (!GeneralOperand.TryReadForModify(state, uop, out ulong destination))
        {
            return Outcome.NotRetired;
        }

        int bytes = GeneralOperand.Bytes(uop);
        ulong accumulator = RegisterFile.Read(state, RaxOffset, bytes);
        ulong source = RegisterFile.Read(state, uop->Source, bytes);
        Comparison.Apply(state, accumulator, destination, bytes);
        if (accumulator == destination)
        {
            GeneralOperand.TryWriteDestination(state, uop, source);
            return Outcome.Next;
        }

        // Memory is written even so; a register stays whole, its upper half too.
        if (uop->DestinationKind == OperandKind.Memory)
        {
            GeneralOperand.TryWriteDestination(state, uop, destination);
        }

        RegisterFile.Write(state, RaxOffset, bytes, destination);
        return Outcome.Next;
    }

    private static Outcome CompareExchange8(CpuState* state, Uop* uop)
    {
        if (!MemoryReference.ReadForModify(state, uop, sizeBytes: 8))
        {
            return Outcome.NotRetired;
        }

        ulong found = state->Loaded;
        ulong expected = ((ulong)(uint)state->Rdx << 32) | (uint)state->Rax;
        ulong replacement = ((ulong)(uint)state->Rcx << 32) | (uint)state->Rbx;
        bool isEqual = found == expected;
        MemoryReference.Write(state, uop, sizeBytes: 8, isEqual ? replacement : found);
        if (!isEqual)
        {
            state->Rax = (uint)found;
            state->Rdx = found >> 32;
        }

        SetZero(state, isEqual);
        return Outcome.Next;
    }

    private static Outcome CompareExchange16(CpuState* state, Uop* uop)
    {
        if (!MemoryReference.Resolve(state, uop, sizeBytes: 16, AccessKind.Write, out ulong linear))
        {
            return Faults.Raised(state);
        }

        if ((linear & PairAlignment) != 0)
        {
            return Faults.GeneralProtectionFault(state);
        }

        // Aligned, so both halves are in one page, and what holds for the first holds for the second.
        if (!LinearMemory.CheckWrite(state, linear, sizeBytes: 8, uop->Segment)
            || !LinearMemory.Read(state, linear, sizeBytes: 8, uop->Segment))
        {
            return Faults.Raised(state);
        }

        ulong low = state->Loaded;
        LinearMemory.Read(state, linear + 8, sizeBytes: 8, uop->Segment);
        ulong high = state->Loaded;
        bool isEqual = low == state->Rax && high == state->Rdx;
        LinearMemory.Write(state, linear, sizeBytes: 8, isEqual ? state->Rbx : low, uop->Segment);
        LinearMemory.Write(state, linear + 8, sizeBytes: 8, isEqual ? state->Rcx : high, uop->Segment);
        if (!isEqual)
        {
            state->Rax = low;
            state->Rdx = high;
        }

        SetZero(state, isEqual);
        return Outcome.Next;
    }

    private static void SetZero(CpuState* state, bool isZero)
    {
        ulong flags = LazyFlags.ReadStatus(state) & ~RFlags.Zero;
        LazyFlags.WriteStatus(state, flags | (isZero ? RFlags.Zero : 0));
    }

    /// <summary>BSWAP; the 16-bit form, which the manual leaves undefined, gives 0, as processors do.</summary>
    private static Outcome SwapBytes(CpuState* state, Uop* uop)
    {
        int bytes = GeneralOperand.Bytes(uop);
        ulong value = RegisterFile.Read(state, uop->Destination, bytes);
        ulong swapped = bytes switch
        {
            2 => 0,
            4 => BinaryPrimitives.ReverseEndianness((uint)value),
            _ => BinaryPrimitives.ReverseEndianness(value),
        };
        RegisterFile.Write(state, uop->Destination, bytes, swapped);
        return Outcome.Next;
    }

    private static Outcome MoveBigEndian(CpuState* state, Uop* uop)
    {
        if (!GeneralOperand.TryReadSource(state, uop, out ulong value))
        {
            return Outcome.NotRetired;
        }

        ulong swapped = BinaryPrimitives.ReverseEndianness(value) >> (64 - GeneralOperand.Bits(uop));
        return GeneralOperand.TryWriteDestination(state, uop, swapped) ? Outcome.Next : Outcome.NotRetired;
    }
}
