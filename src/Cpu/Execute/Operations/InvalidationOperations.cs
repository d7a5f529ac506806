// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.Decode;
using KvmActors.Cpu.Execute.Operands;
using KvmActors.Cpu.Memory;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Operations;

// JUSTIFICATION: see CpuState.
// SAFETY: touches only the state; memory is reached through LinearMemory.

/// <summary>INVLPG and INVPCID.</summary>
/// <remarks>The TLB has no process-context identifiers: every write of CR3 empties it, which the manual allows, so
/// there never is a translation of another context than the present one. Source: Intel SDM vol. 2A, "INVLPG",
/// "INVPCID"; vol. 3A, section 5.10.4 "Invalidation of TLBs and Paging-Structure Caches".</remarks>
internal static unsafe class InvalidationOperations
{
    private const ulong TypeAddress = 0;
    private const ulong TypeContext = 1;
    private const ulong TypeLast = 3;
    private const int QuadBytes = 8;
    private const int DescriptorBytes = 16;

    public static void Register(InstructionTable table)
    {
        table.AddLast(Mnemonic.Invlpg, &InvalidatePage);
        table.AddLast(Mnemonic.Invpcid, &InvalidateContext, GuestFeature.Invpcid);
    }

    private static Outcome InvalidatePage(CpuState* state, Uop* uop)
    {
        if (state->Cpl != 0)
        {
            return Faults.GeneralProtectionFault(state);
        }

        ulong offset = MemoryReference.Offset(state, uop);
        SegmentCache* segment = CpuState.Segment(state, uop->Segment);
        bool hasBase = state->Mode != CpuMode.Long64 || uop->Segment is SegmentName.Fs or SegmentName.Gs;
        ulong linear = hasBase ? segment->Base + offset : offset;
        Tlb.FlushPage(state, state->Mode == CpuMode.Long64 ? linear : (uint)linear);
        return Outcome.Next;
    }

    private static Outcome InvalidateContext(CpuState* state, Uop* uop)
    {
        // In virtual-8086 mode CPL is 3, so that it is #GP there too.
        ulong type = RegisterFile.Read(state, uop->Destination, state->Mode == CpuMode.Long64 ? QuadBytes : 4);
        if (state->Cpl != 0 || type > TypeLast)
        {
            return Faults.GeneralProtectionFault(state);
        }

        if (!TryReadDescriptor(state, uop, out ulong context, out ulong linear))
        {
            state->Exit = ExitReason.Fault;
            return Outcome.NotRetired;
        }

        bool isContextGiven = type is TypeAddress or TypeContext;
        bool isWrong = (context & ~ControlBits.Cr3ProcessContext) != 0
            || (isContextGiven && context != 0 && (state->Cr4 & ControlBits.Cr4ProcessContext) == 0)
            || (type == TypeAddress && !LinearMemory.IsCanonical(linear));
        if (isWrong)
        {
            return Faults.GeneralProtectionFault(state);
        }

        ulong present = (state->Cr4 & ControlBits.Cr4ProcessContext) == 0 ? 0
            : state->Cr3 & ControlBits.Cr3ProcessContext;
        if (!isContextGiven)
        {
            Tlb.Flush(state);
        }
        else if (context == present && type == TypeContext)
        {
            Tlb.Flush(state);
        }
        else if (context == present)
        {
            Tlb.FlushPage(state, linear);
        }

        return Outcome.Next;
    }

    private static bool TryReadDescriptor(CpuState* state, Uop* uop, out ulong context, out ulong linear)
    {
        context = 0;
        linear = 0;
        if (!MemoryReference.Resolve(state, uop, DescriptorBytes, AccessKind.Read, out ulong address)
            || !LinearMemory.Read(state, address, QuadBytes, uop->Segment))
        {
            return false;
        }

        context = state->Loaded;
        ulong next = address + QuadBytes;
        next = state->Mode == CpuMode.Long64 ? next : (uint)next;
        if (!LinearMemory.Read(state, next, QuadBytes, uop->Segment))
        {
            return false;
        }

        linear = state->Loaded;
        return true;
    }
}
