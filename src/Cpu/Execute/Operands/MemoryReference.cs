// SPDX-License-Identifier: Apache-2.0

using System.Runtime.CompilerServices;
using KvmActors.Cpu.Decode;
using KvmActors.Cpu.Execute.Protection;
using KvmActors.Cpu.Memory;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Operands;

// JUSTIFICATION: see CpuState.
// SAFETY: register offsets in a micro-operation come from the decoder and lie inside the register file.

/// <summary>From a micro-operation's memory operand to a linear address, and to its bytes.</summary>
/// <remarks>Source: Intel SDM vol. 1, section 3.7.5 "Specifying an Offset"; vol. 3A, sections 6.3 to 6.5 on limits and
/// types.</remarks>
internal static unsafe class MemoryReference
{
    /// <summary>Base + index + displacement, as wide as registers are.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Sum(CpuState* state, Uop* uop) =>
        *(ulong*)((byte*)state + uop->BaseRegister)
        + (*(ulong*)((byte*)state + uop->IndexRegister) << uop->ScaleShift)
        + uop->Displacement;

    /// <summary>The offset inside the segment, cut to the address size.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Offset(CpuState* state, Uop* uop) => Cut(Sum(state, uop), uop->AddressBits);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Cut(ulong offset, int addressBits) => addressBits switch
    {
        64 => offset,
        32 => (uint)offset,
        _ => (ushort)offset,
    };

    /// <summary>Host address of a flat operand in the read TLB, or null: then use <see cref="Read"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static byte* ProbeRead(CpuState* state, Uop* uop, int sizeBytes)
    {
        byte* host = Tlb.ProbeRead(state, Sum(state, uop), sizeBytes);
        return uop->Form == AddressForm.Flat ? host : null;
    }

    /// <summary>Host address of a flat operand in the write TLB, or null: then use <see cref="Write"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static byte* ProbeWrite(CpuState* state, Uop* uop, int sizeBytes)
    {
        byte* host = Tlb.ProbeWrite(state, Sum(state, uop), sizeBytes);
        return uop->Form == AddressForm.Flat ? host : null;
    }

    /// <summary>Loads the operand into <see cref="CpuState.Loaded"/>; false with the fault recorded and
    /// raised.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static bool Read(CpuState* state, Uop* uop, int sizeBytes)
    {
        if (Resolve(state, uop, sizeBytes, AccessKind.Read, out ulong linear)
            && LinearMemory.Read(state, linear, sizeBytes, uop->Segment))
        {
            return true;
        }

        state->Exit = ExitReason.Fault;
        return false;
    }

    /// <summary>Stores to the operand; false with the fault recorded and raised.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static bool Write(CpuState* state, Uop* uop, int sizeBytes, ulong value)
    {
        if (Resolve(state, uop, sizeBytes, AccessKind.Write, out ulong linear)
            && LinearMemory.Write(state, linear, sizeBytes, value, uop->Segment))
        {
            return true;
        }

        state->Exit = ExitReason.Fault;
        return false;
    }

    /// <summary>Loads the operand after making sure that it can be stored to; false with the fault recorded and raised.
    /// </summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static bool ReadForModify(CpuState* state, Uop* uop, int sizeBytes)
    {
        if (Resolve(state, uop, sizeBytes, AccessKind.Write, out ulong linear)
            && LinearMemory.CheckWrite(state, linear, sizeBytes, uop->Segment)
            && LinearMemory.Read(state, linear, sizeBytes, uop->Segment))
        {
            return true;
        }

        state->Exit = ExitReason.Fault;
        return false;
    }

    /// <summary>Linear address of the operand, with the segment's checks; false with the fault recorded.</summary>
    public static bool Resolve(CpuState* state, Uop* uop, int sizeBytes, AccessKind access, out ulong linear)
    {
        ulong offset = Offset(state, uop);
        return Resolve(state, uop->Segment, offset, sizeBytes, access, out linear);
    }

    /// <summary>Linear address of an offset in a segment, with the segment's checks; false with the fault recorded.
    /// </summary>
    public static bool Resolve(
        CpuState* state, SegmentName name, ulong offset, int sizeBytes, AccessKind access, out ulong linear)
    {
        SegmentCache* segment = CpuState.Segment(state, name);
        if (state->Mode == CpuMode.Long64)
        {
            linear = name is SegmentName.Fs or SegmentName.Gs ? segment->Base + offset : offset;
            return true;
        }

        linear = (uint)(segment->Base + offset);
        if (Permits(state, segment, access) && SegmentLimit.Holds(*segment, offset, sizeBytes))
        {
            return true;
        }

        Faults.Record(state, name == SegmentName.Ss ? Faults.StackFault : Faults.GeneralProtection, errorCode: 0);
        return false;
    }

    private static bool Permits(CpuState* state, SegmentCache* segment, AccessKind access)
    {
        if (!segment->IsUsable)
        {
            return false;
        }

        if (!ModeControl.IsProtected(state))
        {
            return true;
        }

        bool isCode = (segment->Attributes & SegmentCache.Code) != 0;
        bool flag = (segment->Attributes & SegmentCache.WritableOrReadable) != 0;
        return access == AccessKind.Write ? !isCode && flag : !isCode || flag;
    }
}
