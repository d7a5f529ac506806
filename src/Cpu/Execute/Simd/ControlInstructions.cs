// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.Decode;
using KvmActors.Cpu.Execute.Operands;
using KvmActors.Cpu.Memory;
using KvmActors.Cpu.State;
using Bytes = System.Runtime.Intrinsics.Vector128<byte>;

namespace KvmActors.Cpu.Execute.Simd;

// JUSTIFICATION: see SimdRule.
// SAFETY: memory is reached through MemoryReference and LinearMemory.

/// <summary>MXCSR, EMMS, masked and non-temporal stores, fences and CLFLUSH: there is no cache here, so that a store is
/// a store and a fence nothing.</summary>
/// <remarks>A masked store touches, and faults for, the bytes it stores and no others, which the manual leaves to the
/// processor. Source: Intel SDM vol. 2, "EMMS", "MASKMOVDQU", "MASKMOVQ", "MOVNTI", "CLFLUSH", "LDMXCSR".</remarks>
internal static unsafe class ControlInstructions
{
    private const int MmxBytes = 8;
    private const int XmmBytes = 16;
    private const uint MxcsrMask = 0xFFFF;

    public static void Register(SimdTable table)
    {
        table.Add(Code.Emms, &EmptyMmx);
        table.Add(Code.Maskmovq_rDI_mm_mm, &StoreMaskedMmx);
        table.Add(Code.Maskmovdqu_rDI_xmm_xmm, &StoreMaskedXmm);
        table.Add(Code.Movnti_m32_r32, &StoreGeneral);
        table.Add(Code.Movnti_m64_r64, &StoreGeneral);
        table.Add(Code.Clflush_m8, &FlushLine);
        table.Add(Code.Ldmxcsr_m32, &LoadMxcsr);
        table.Add(Code.Stmxcsr_m32, &StoreMxcsr);
        RegisterFences(table);
    }

    /// <summary>Each fence has eight encodings.</summary>
    private static void RegisterFences(SimdTable table)
    {
        ReadOnlySpan<Code> fences =
        [
            Code.Lfence, Code.Lfence_E9, Code.Lfence_EA, Code.Lfence_EB, Code.Lfence_EC, Code.Lfence_ED,
            Code.Lfence_EE, Code.Lfence_EF, Code.Mfence, Code.Mfence_F1, Code.Mfence_F2, Code.Mfence_F3,
            Code.Mfence_F4, Code.Mfence_F5, Code.Mfence_F6, Code.Mfence_F7, Code.Sfence, Code.Sfence_F9,
            Code.Sfence_FA, Code.Sfence_FB, Code.Sfence_FC, Code.Sfence_FD, Code.Sfence_FE, Code.Sfence_FF,
        ];
        foreach (Code fence in fences)
        {
            table.Add(fence, &DoNothing);
        }
    }

    private static Outcome LoadMxcsr(CpuState* state, Uop* uop)
    {
        if (!SimdAvailability.HasSse(state))
        {
            return SimdAvailability.RefuseSse(state);
        }

        if (!MemoryReference.Read(state, uop, sizeof(uint)))
        {
            return Outcome.NotRetired;
        }

        if (state->Loaded > MxcsrMask)
        {
            return Faults.GeneralProtectionFault(state);
        }

        *XmmRegisters.Mxcsr(state) = (uint)state->Loaded;
        return Outcome.Next;
    }

    private static Outcome StoreMxcsr(CpuState* state, Uop* uop)
    {
        if (!SimdAvailability.HasSse(state))
        {
            return SimdAvailability.RefuseSse(state);
        }

        return MemoryReference.Write(state, uop, sizeof(uint), *XmmRegisters.Mxcsr(state))
            ? Outcome.Next
            : Outcome.NotRetired;
    }

    private static Outcome DoNothing(CpuState* state, Uop* uop) => Outcome.Next;

    private static Outcome EmptyMmx(CpuState* state, Uop* uop)
    {
        if (!SimdAvailability.HasMmx(state))
        {
            return SimdAvailability.RefuseMmx(state);
        }

        MmxRegisters.Leave(state);
        return Outcome.Next;
    }

    private static Outcome StoreMaskedMmx(CpuState* state, Uop* uop)
    {
        if (!SimdAvailability.HasMmx(state))
        {
            return SimdAvailability.RefuseMmx(state);
        }

        ulong value = MmxRegisters.Read(state, uop->Source);
        ulong mask = MmxRegisters.Read(state, uop->Third);
        if (!TryStoreMasked(state, uop, (byte*)&value, (byte*)&mask, MmxBytes))
        {
            return Faults.Raised(state);
        }

        MmxRegisters.Enter(state);
        return Outcome.Next;
    }

    private static Outcome StoreMaskedXmm(CpuState* state, Uop* uop)
    {
        if (!SimdAvailability.HasSse(state))
        {
            return SimdAvailability.RefuseSse(state);
        }

        Bytes value = *XmmRegisters.At(state, uop->Source);
        Bytes mask = *XmmRegisters.At(state, uop->Third);
        return TryStoreMasked(state, uop, (byte*)&value, (byte*)&mask, XmmBytes) ? Outcome.Next : Faults.Raised(state);
    }

    private static bool TryStoreMasked(CpuState* state, Uop* uop, byte* value, byte* mask, int sizeBytes)
    {
        for (int at = 0; at < sizeBytes; at++)
        {
            bool isStored = (sbyte)mask[at] < 0;
            if (isStored && !(TryResolveByte(state, uop, at, out ulong linear)
                && LinearMemory.CheckWrite(state, linear, sizeBytes: 1, uop->Segment)))
            {
                return false;
            }
        }

        bool stored = true;
        for (int at = 0; at < sizeBytes; at++)
        {
            stored &= (sbyte)mask[at] >= 0
                || (TryResolveByte(state, uop, at, out ulong linear)
                    && LinearMemory.Write(state, linear, sizeBytes: 1, value[at], uop->Segment));
        }

        return stored;
    }

    private static bool TryResolveByte(CpuState* state, Uop* uop, int at, out ulong linear)
    {
        ulong offset = MemoryReference.Cut(state->Rdi, uop->AddressBits) + (ulong)at;
        return MemoryReference.Resolve(state, uop->Segment, offset, sizeBytes: 1, AccessKind.Write, out linear);
    }

    private static Outcome StoreGeneral(CpuState* state, Uop* uop)
    {
        int sizeBytes = GeneralOperand.Bytes(uop);
        ulong value = RegisterFile.Read(state, uop->Source, sizeBytes);
        return MemoryReference.Write(state, uop, sizeBytes, value) ? Outcome.Next : Outcome.NotRetired;
    }

    /// <summary>Faults as a load of a byte does.</summary>
    private static Outcome FlushLine(CpuState* state, Uop* uop) =>
        MemoryReference.Read(state, uop, sizeBytes: 1) ? Outcome.Next : Outcome.NotRetired;
}
