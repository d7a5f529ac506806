// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Decode;
using KvmActors.Cpu.Execute.Operands;
using KvmActors.Cpu.Float;
using KvmActors.Cpu.Memory;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Fpu;

// JUSTIFICATION: see CpuState.
// SAFETY: memory is reached through MemoryReference and LinearMemory.

/// <summary>Memory operands of x87, of 2 to 10 bytes.</summary>
/// <remarks>On false the fault is recorded and raised.</remarks>
internal static unsafe class FpuMemory
{
    private const int LongBytes = 10;

    /// <summary>The size of the operand; an operand of 80 bits has none that is a power of two.</summary>
    public static int Bytes(Uop* uop) => uop->SizeLog == 0 ? LongBytes : 1 << uop->SizeLog;

    /// <summary>Reads 32 or 64 bits as a number, exactly.</summary>
    public static bool TryReadFloat(CpuState* state, Uop* uop, out Float80 value, out bool isDenormal)
    {
        value = default;
        isDenormal = false;
        if (!MemoryReference.Read(state, uop, Bytes(uop)))
        {
            return false;
        }

        value = Bytes(uop) == 4
            ? Float80Conversion.From<SingleFormat>(state->Loaded, out isDenormal)
            : Float80Conversion.From<DoubleFormat>(state->Loaded, out isDenormal);
        return true;
    }

    /// <summary>Reads a signed integer of 16, 32 or 64 bits.</summary>
    public static bool TryReadInteger(CpuState* state, Uop* uop, out Float80 value)
    {
        value = default;
        if (!MemoryReference.Read(state, uop, Bytes(uop)))
        {
            return false;
        }

        value = Float80Conversion.FromInteger(GeneralOperand.Extend(state->Loaded, GeneralOperand.Bits(uop)));
        return true;
    }

    /// <summary>Reads ten bytes.</summary>
    public static bool TryReadLong(CpuState* state, Uop* uop, out ulong low, out ushort high)
    {
        low = 0;
        high = 0;
        if (!MemoryReference.Resolve(state, uop, LongBytes, AccessKind.Read, out ulong linear)
            || !LinearMemory.Read(state, linear, 8, uop->Segment))
        {
            Faults.Raised(state);
            return false;
        }

        low = state->Loaded;
        if (!LinearMemory.Read(state, Next(state, linear, 8), 2, uop->Segment))
        {
            Faults.Raised(state);
            return false;
        }

        high = (ushort)state->Loaded;
        return true;
    }

    /// <summary>Writes ten bytes, or nothing.</summary>
    public static bool TryWriteLong(CpuState* state, Uop* uop, ulong low, ushort high)
    {
        bool isWritten = MemoryReference.Resolve(state, uop, LongBytes, AccessKind.Write, out ulong linear)
            && LinearMemory.CheckWrite(state, linear, 8, uop->Segment)
            && LinearMemory.Write(state, Next(state, linear, 8), 2, high, uop->Segment)
            && LinearMemory.Write(state, linear, 8, low, uop->Segment);
        if (!isWritten)
        {
            Faults.Raised(state);
        }

        return isWritten;
    }

    /// <summary>A linear address some bytes on, which wraps at 4 GiB outside of 64-bit mode.</summary>
    public static ulong Next(CpuState* state, ulong linear, int bytes)
    {
        ulong next = linear + (ulong)bytes;
        return state->Mode == CpuMode.Long64 ? next : (uint)next;
    }
}
