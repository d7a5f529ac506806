// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.Decode;
using KvmActors.Cpu.Execute.Operands;
using KvmActors.Cpu.Execute.Protection;
using KvmActors.Cpu.Memory;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Operations;

// JUSTIFICATION: see CpuState.
// SAFETY: memory is reached through GeneralOperand, MemoryReference and PrivilegedMemory.

/// <summary>GDTR, IDTR, LDTR and TR.</summary>
/// <remarks>Source: Intel SDM vol. 2, "LGDT/LIDT", "SGDT", "SIDT", "LLDT", "SLDT", "LTR", "STR".</remarks>
internal static unsafe class SystemTables
{
    private const ulong Base24Mask = 0xFF_FFFF;

    public static void Register(InstructionTable table)
    {
        table.Add(Mnemonic.Lgdt, &LoadGlobal);
        table.Add(Mnemonic.Lidt, &LoadInterrupt);
        table.Add(Mnemonic.Sgdt, &StoreGlobal);
        table.Add(Mnemonic.Sidt, &StoreInterrupt);
        table.Add(Mnemonic.Lldt, &LoadLocal);
        table.Add(Mnemonic.Ltr, &LoadTask);
        table.Add(Mnemonic.Sldt, &StoreLocal);
        table.Add(Mnemonic.Str, &StoreTask);
    }

    /// <summary>True if CR4.UMIP keeps a user program from asking.</summary>
    public static bool IsPrevented(CpuState* state) =>
        state->Cpl != 0 && (state->Cr4 & ControlBits.Cr4UserInstructionPrevention) != 0;

    private static Outcome LoadGlobal(CpuState* state, Uop* uop)
    {
        if (!TryLoadPointer(state, uop, out ulong tableBase, out ushort limit))
        {
            return Outcome.NotRetired;
        }

        state->GdtrBase = tableBase;
        state->GdtrLimit = limit;
        return Outcome.Next;
    }

    private static Outcome LoadInterrupt(CpuState* state, Uop* uop)
    {
        if (!TryLoadPointer(state, uop, out ulong tableBase, out ushort limit))
        {
            return Outcome.NotRetired;
        }

        state->IdtrBase = tableBase;
        state->IdtrLimit = limit;
        return Outcome.Next;
    }

    private static bool TryLoadPointer(CpuState* state, Uop* uop, out ulong tableBase, out ushort limit)
    {
        tableBase = 0;
        limit = 0;
        if (state->Cpl != 0)
        {
            Faults.GeneralProtectionFault(state);
            return false;
        }

        bool is64 = state->Mode == CpuMode.Long64;
        int baseBytes = is64 ? 8 : 4;
        ulong offset = MemoryReference.Offset(state, uop);
        if (!TryRead(state, uop, offset, 2, out ulong limitValue)
            || !TryRead(state, uop, MemoryReference.Cut(offset + 2, uop->AddressBits), baseBytes, out tableBase))
        {
            Faults.Raised(state);
            return false;
        }

        if (is64 && !LinearMemory.IsCanonical(tableBase))
        {
            Faults.GeneralProtectionFault(state);
            return false;
        }

        limit = (ushort)limitValue;
        tableBase &= (uop->Flags & UopFlags.Operand16) != 0 ? Base24Mask : ulong.MaxValue;
        return true;
    }

    private static bool TryRead(CpuState* state, Uop* uop, ulong offset, int bytes, out ulong value)
    {
        bool read = MemoryReference.Resolve(state, uop->Segment, offset, bytes, AccessKind.Read, out ulong linear)
            && LinearMemory.Read(state, linear, bytes, uop->Segment);
        value = state->Loaded;
        return read;
    }

    private static Outcome StoreGlobal(CpuState* state, Uop* uop) =>
        StorePointer(state, uop, state->GdtrBase, state->GdtrLimit);

    private static Outcome StoreInterrupt(CpuState* state, Uop* uop) =>
        StorePointer(state, uop, state->IdtrBase, state->IdtrLimit);

    private static Outcome StorePointer(CpuState* state, Uop* uop, ulong tableBase, ushort limit)
    {
        if (IsPrevented(state))
        {
            return Faults.GeneralProtectionFault(state);
        }

        int baseBytes = state->Mode == CpuMode.Long64 ? 8 : 4;
        ulong offset = MemoryReference.Offset(state, uop);
        ulong behind = MemoryReference.Cut(offset + 2, uop->AddressBits);
        SegmentName segment = uop->Segment;
        bool stored = MemoryReference.Resolve(state, segment, offset, 2, AccessKind.Write, out ulong first)
            && MemoryReference.Resolve(state, segment, behind, baseBytes, AccessKind.Write, out ulong second)
            && LinearMemory.CheckWrite(state, second, baseBytes, segment)
            && LinearMemory.Write(state, first, 2, limit, segment)
            && LinearMemory.Write(state, second, baseBytes, tableBase, segment);
        return stored ? Outcome.Next : Faults.Raised(state);
    }

    private static Outcome LoadLocal(CpuState* state, Uop* uop) =>
        LoadSystem(state, uop, SegmentName.Ldtr);

    private static Outcome LoadTask(CpuState* state, Uop* uop) => LoadSystem(state, uop, SegmentName.Tr);

    private static Outcome LoadSystem(CpuState* state, Uop* uop, SegmentName name)
    {
        if (!ModeControl.IsProtected(state))
        {
            return Faults.Undefined(state);
        }

        if (state->Cpl != 0)
        {
            return Faults.GeneralProtectionFault(state);
        }

        if (!GeneralOperand.TryReadDestination(state, uop, sizeBytes: 2, out ulong value))
        {
            return Outcome.NotRetired;
        }

        return SystemSegmentLoading.TryLoad(state, name, (ushort)value) ? Outcome.Next : Faults.Raised(state);
    }

    private static Outcome StoreLocal(CpuState* state, Uop* uop) => StoreSelector(state, uop, SegmentName.Ldtr);

    private static Outcome StoreTask(CpuState* state, Uop* uop) => StoreSelector(state, uop, SegmentName.Tr);

    private static Outcome StoreSelector(CpuState* state, Uop* uop, SegmentName name)
    {
        if (!ModeControl.IsProtected(state))
        {
            return Faults.Undefined(state);
        }

        if (IsPrevented(state))
        {
            return Faults.GeneralProtectionFault(state);
        }

        int bytes = uop->DestinationKind == OperandKind.Register ? GeneralOperand.Bytes(uop) : 2;
        return GeneralOperand.TryWriteDestination(state, uop, bytes, CpuState.Segment(state, name)->Selector)
            ? Outcome.Next
            : Outcome.NotRetired;
    }
}
