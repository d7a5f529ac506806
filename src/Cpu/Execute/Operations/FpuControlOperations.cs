// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.Decode;
using KvmActors.Cpu.Execute.Operands;
using KvmActors.Cpu.Memory;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Operations;

// JUSTIFICATION: see CpuState.
// SAFETY: offsets into the FXSAVE image are constants below its size; memory is reached through LinearMemory.

/// <summary>The control side of x87 and SSE, which kernels run before they know what there is: FNINIT, control and
/// status words, FXSAVE and FXRSTOR, MXCSR. No arithmetic.</summary>
/// <remarks>The FXSAVE image in the state is all there is. Source: Intel SDM vol. 1, section 8.1 and 10.5; vol. 2,
/// "FINIT/FNINIT", "FLDCW", "FSTCW/FNSTCW", "FSTSW/FNSTSW", "FXSAVE", "FXRSTOR", "LDMXCSR", "STMXCSR".</remarks>
internal static unsafe class FpuControlOperations
{
    private const int ControlOffset = 0;
    private const int StatusOffset = 2;
    private const int TagOffset = 4;
    private const int PointersOffset = 6;
    private const int MxcsrOffset = 24;
    private const int XmmOffset = 160;
    private const int XmmBytes64 = 256;
    private const int XmmBytes32 = 128;
    private const int LegacyBytes = 160;
    private const ushort InitialControl = 0x37F;
    private const uint MxcsrMask = 0xFFFF;
    private const ushort ExceptionFlags = 0x80FF;
    private const ulong ImageAlignment = 15;

    public static void Register(InstructionTable table)
    {
        table.Add(Mnemonic.Fninit, &Initialize);
        table.Add(Mnemonic.Fnclex, &ClearExceptions);
        table.Add(Mnemonic.Fldcw, &LoadControl);
        table.Add(Mnemonic.Fnstcw, &StoreControl);
        table.Add(Mnemonic.Fnstsw, &StoreStatus);
        table.Add(Mnemonic.Wait, &Wait);
        table.Add(Mnemonic.Fxsave, &Save);
        table.Add(Mnemonic.Fxsave64, &Save);
        table.Add(Mnemonic.Fxrstor, &Restore);
        table.Add(Mnemonic.Fxrstor64, &Restore);
        table.Add(Mnemonic.Ldmxcsr, &LoadMxcsr);
        table.Add(Mnemonic.Stmxcsr, &StoreMxcsr);
    }

    private static bool IsAvailable(CpuState* state)
    {
        bool isOff = (state->Cr0 & (ControlBits.Cr0Emulation | ControlBits.Cr0TaskSwitched)) != 0;
        if (isOff)
        {
            Faults.Raise(state, Faults.DeviceNotAvailable);
        }

        return !isOff;
    }

    private static Outcome Initialize(CpuState* state, Uop* uop)
    {
        if (!IsAvailable(state))
        {
            return Outcome.NotRetired;
        }

        byte* image = CpuState.FxSave(state);
        *(ushort*)(image + ControlOffset) = InitialControl;
        *(ushort*)(image + StatusOffset) = 0;
        *(image + TagOffset) = 0;
        new Span<byte>(image + PointersOffset, MxcsrOffset - PointersOffset).Clear();
        return Outcome.Next;
    }

    private static Outcome ClearExceptions(CpuState* state, Uop* uop)
    {
        if (!IsAvailable(state))
        {
            return Outcome.NotRetired;
        }

        *(ushort*)(CpuState.FxSave(state) + StatusOffset) &= unchecked((ushort)~ExceptionFlags);
        return Outcome.Next;
    }

    private static Outcome LoadControl(CpuState* state, Uop* uop)
    {
        if (!IsAvailable(state) || !MemoryReference.Read(state, uop, sizeBytes: 2))
        {
            return Outcome.NotRetired;
        }

        *(ushort*)(CpuState.FxSave(state) + ControlOffset) = (ushort)(state->Loaded | 0x40);
        return Outcome.Next;
    }

    private static Outcome StoreControl(CpuState* state, Uop* uop) => Store(state, uop, ControlOffset);

    private static Outcome StoreStatus(CpuState* state, Uop* uop) => Store(state, uop, StatusOffset);

    private static Outcome Store(CpuState* state, Uop* uop, int offset)
    {
        ushort value = *(ushort*)(CpuState.FxSave(state) + offset);
        return IsAvailable(state) && GeneralOperand.TryWriteDestination(state, uop, sizeBytes: 2, value)
            ? Outcome.Next
            : Outcome.NotRetired;
    }

    private static Outcome Wait(CpuState* state, Uop* uop)
    {
        const ulong Both = ControlBits.Cr0MonitorCoprocessor | ControlBits.Cr0TaskSwitched;
        return (state->Cr0 & Both) == Both ? Faults.Raise(state, Faults.DeviceNotAvailable) : Outcome.Next;
    }

    private static Outcome LoadMxcsr(CpuState* state, Uop* uop)
    {
        if (!IsSseAvailable(state, out Outcome refusal))
        {
            return refusal;
        }

        if (!MemoryReference.Read(state, uop, sizeBytes: 4))
        {
            return Outcome.NotRetired;
        }

        if ((state->Loaded & ~(ulong)MxcsrMask) != 0)
        {
            return Faults.GeneralProtectionFault(state);
        }

        *(uint*)(CpuState.FxSave(state) + MxcsrOffset) = (uint)state->Loaded;
        return Outcome.Next;
    }

    private static Outcome StoreMxcsr(CpuState* state, Uop* uop)
    {
        if (!IsSseAvailable(state, out Outcome refusal))
        {
            return refusal;
        }

        uint value = *(uint*)(CpuState.FxSave(state) + MxcsrOffset);
        return MemoryReference.Write(state, uop, sizeBytes: 4, value) ? Outcome.Next : Outcome.NotRetired;
    }

    /// <summary>#UD if SSE is off, #NM if the task was switched.</summary>
    private static bool IsSseAvailable(CpuState* state, out Outcome refusal)
    {
        bool isOff = (state->Cr0 & ControlBits.Cr0Emulation) != 0
            || (state->Cr4 & ControlBits.Cr4FxSave) == 0;
        if (isOff)
        {
            refusal = Faults.Undefined(state);
            return false;
        }

        refusal = Outcome.NotRetired;
        return IsAvailable(state);
    }

    private static Outcome Save(CpuState* state, Uop* uop)
    {
        if (!IsAvailable(state))
        {
            return Outcome.NotRetired;
        }

        int xmmBytes = XmmBytes(state);
        if (!TryResolveImage(state, uop, AccessKind.Write, out ulong linear))
        {
            return Faults.Raised(state);
        }

        byte* image = CpuState.FxSave(state);
        for (int offset = 0; offset < LegacyBytes + xmmBytes; offset += 8)
        {
            if (!LinearMemory.Write(state, linear + (ulong)offset, 8, *(ulong*)(image + offset), uop->Segment))
            {
                return Faults.Raised(state);
            }
        }

        return Outcome.Next;
    }

    private static Outcome Restore(CpuState* state, Uop* uop)
    {
        if (!IsAvailable(state))
        {
            return Outcome.NotRetired;
        }

        int xmmBytes = XmmBytes(state);
        if (!TryResolveImage(state, uop, AccessKind.Read, out ulong linear))
        {
            return Faults.Raised(state);
        }

        byte* loaded = stackalloc byte[XmmOffset + XmmBytes64];
        for (int offset = 0; offset < LegacyBytes + xmmBytes; offset += 8)
        {
            if (!LinearMemory.Read(state, linear + (ulong)offset, 8, uop->Segment))
            {
                return Faults.Raised(state);
            }

            *(ulong*)(loaded + offset) = state->Loaded;
        }

        if ((*(uint*)(loaded + MxcsrOffset) & ~MxcsrMask) != 0)
        {
            return Faults.GeneralProtectionFault(state);
        }

        // The MXCSR mask is not loaded.
        *(uint*)(loaded + MxcsrOffset + 4) = MxcsrMask;
        new ReadOnlySpan<byte>(loaded, LegacyBytes + xmmBytes)
            .CopyTo(new Span<byte>(CpuState.FxSave(state), LegacyBytes + xmmBytes));
        return Outcome.Next;
    }

    /// <summary>The XMM registers are part of the image only if CR4.OSFXSR is set; there are 16 in 64-bit
    /// mode.</summary>
    private static int XmmBytes(CpuState* state) => (state->Cr4 & ControlBits.Cr4FxSave) == 0 ? 0
        : state->Mode == CpuMode.Long64 ? XmmBytes64
        : XmmBytes32;

    private static bool TryResolveImage(CpuState* state, Uop* uop, AccessKind access, out ulong linear)
    {
        if (!MemoryReference.Resolve(state, uop, CpuState.FxSaveBytes, access, out linear))
        {
            return false;
        }

        if ((linear & ImageAlignment) == 0)
        {
            // Both ends are checked first, so that nothing is written if the second page is missing.
            return access == AccessKind.Read
                || (LinearMemory.CheckWrite(state, linear, 8, uop->Segment)
                    && LinearMemory.CheckWrite(state, linear + CpuState.FxSaveBytes - 8, 8, uop->Segment));
        }

        Faults.Record(state, Faults.GeneralProtection, errorCode: 0);
        return false;
    }
}
