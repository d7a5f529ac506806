// SPDX-License-Identifier: Apache-2.0

using System.Buffers.Binary;
using Iced.Intel;
using KvmActors.Cpu.Decode;
using KvmActors.Cpu.Memory;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Fpu;

// JUSTIFICATION: see CpuState.
// SAFETY: memory is reached through FpuBlock; the area is a span with its own bounds.

/// <summary>XSAVE, XSAVEOPT, XSAVEC, XSAVES.</summary>
/// <remarks>XSAVEOPT and XSAVES leave out what is in its initial state, and never leave out what was merely not
/// modified, which the manuals leave to the processor. Source: Intel SDM vol. 1, sections 13.7 and 13.9 to 13.11; vol.
/// 2, of each instruction.</remarks>
internal static unsafe class XsaveOperations
{
    private const ulong Alignment = 63;
    private const int PieceBytes = 8;
    private const int LayoutOffset = XsaveArea.LegacyBytes + 8;

    public static void Register(InstructionTable table)
    {
        table.Add(Mnemonic.Xsave, &Save, GuestFeature.Xsave);
        table.Add(Mnemonic.Xsave64, &SaveLong, GuestFeature.Xsave);
        table.Add(Mnemonic.Xsaveopt, &SaveOptimized, GuestFeature.XsaveOptimized);
        table.Add(Mnemonic.Xsaveopt64, &SaveOptimizedLong, GuestFeature.XsaveOptimized);
        table.Add(Mnemonic.Xsavec, &SaveCompacted, GuestFeature.XsaveCompacted);
        table.Add(Mnemonic.Xsavec64, &SaveCompactedLong, GuestFeature.XsaveCompacted);
        table.Add(Mnemonic.Xsaves, &SaveSupervisor, GuestFeature.XsaveSupervisor);
        table.Add(Mnemonic.Xsaves64, &SaveSupervisorLong, GuestFeature.XsaveSupervisor);
    }

    private static Outcome Save(CpuState* state, Uop* uop) =>
        SaveStandard(state, uop, isLong: false, isOptimized: false);

    private static Outcome SaveLong(CpuState* state, Uop* uop) =>
        SaveStandard(state, uop, isLong: true, isOptimized: false);

    private static Outcome SaveOptimized(CpuState* state, Uop* uop) =>
        SaveStandard(state, uop, isLong: false, isOptimized: true);

    private static Outcome SaveOptimizedLong(CpuState* state, Uop* uop) =>
        SaveStandard(state, uop, isLong: true, isOptimized: true);

    private static Outcome SaveCompacted(CpuState* state, Uop* uop) =>
        SaveCompacted(state, uop, state->Xcr0, isLong: false);

    private static Outcome SaveCompactedLong(CpuState* state, Uop* uop) =>
        SaveCompacted(state, uop, state->Xcr0, isLong: true);

    private static Outcome SaveSupervisor(CpuState* state, Uop* uop) => SaveSupervisor(state, uop, isLong: false);

    private static Outcome SaveSupervisorLong(CpuState* state, Uop* uop) => SaveSupervisor(state, uop, isLong: true);

    private static Outcome SaveSupervisor(CpuState* state, Uop* uop, bool isLong)
    {
        if (!XsaveAvailability.MaySave(state))
        {
            return Outcome.NotRetired;
        }

        return state->Cpl != 0
            ? Faults.GeneralProtectionFault(state)
            : SaveCompacted(state, uop, state->Xcr0 | XsaveAvailability.Supervisor, isLong);
    }

    private static Outcome SaveStandard(CpuState* state, Uop* uop, bool isLong, bool isOptimized)
    {
        Span<byte> area = stackalloc byte[XsaveArea.Bytes];
        if (!TryReadArea(state, uop, area, out ulong linear))
        {
            return Outcome.NotRetired;
        }

        ulong requested = XsaveAvailability.Requested(state, state->Xcr0);
        ulong inUse = XsaveArea.InUse(state);
        ulong written = isOptimized ? requested & inUse : requested;
        Write(state, area, written, isLong);
        if ((requested & (XsaveComponents.Sse | XsaveComponents.Avx)) != 0)
        {
            FxSaveLayout.WriteMxcsr(state, area);
        }

        Span<byte> present = area[XsaveArea.LegacyBytes..];
        ulong before = BinaryPrimitives.ReadUInt64LittleEndian(present);
        BinaryPrimitives.WriteUInt64LittleEndian(present, (before & ~requested) | (inUse & requested));
        return Finish(state, uop, linear, area);
    }

    private static Outcome SaveCompacted(CpuState* state, Uop* uop, ulong enabled, bool isLong)
    {
        Span<byte> area = stackalloc byte[XsaveArea.Bytes];
        if (!TryReadArea(state, uop, area, out ulong linear))
        {
            return Outcome.NotRetired;
        }

        // MXCSR belongs to the SSE component here.
        ulong requested = XsaveAvailability.Requested(state, enabled);
        ulong inUse = XsaveArea.InUse(state) | (XsaveArea.HasInitialMxcsr(state) ? 0 : XsaveComponents.Sse);
        ulong written = requested & inUse;
        Write(state, area, written, isLong);
        if ((written & XsaveComponents.Sse) != 0)
        {
            FxSaveLayout.WriteMxcsr(state, area);
        }

        BinaryPrimitives.WriteUInt64LittleEndian(area[XsaveArea.LegacyBytes..], written);
        BinaryPrimitives.WriteUInt64LittleEndian(area[LayoutOffset..], requested | XsaveComponents.Compacted);
        return Finish(state, uop, linear, area);
    }

    private static void Write(CpuState* state, Span<byte> area, ulong components, bool isLong)
    {
        if ((components & XsaveComponents.X87) != 0)
        {
            FxSaveLayout.WriteX87(state, area, isLong);
        }

        if ((components & XsaveComponents.Sse) != 0)
        {
            XsaveArea.WriteXmm(state, area);
        }
    }

    /// <summary>What the area holds now, so that what is not saved can be written back.</summary>
    private static bool TryReadArea(CpuState* state, Uop* uop, Span<byte> area, out ulong linear)
    {
        linear = 0;
        return XsaveAvailability.MaySave(state)
            && TryResolve(state, uop, AccessKind.Write, out linear)
            && FpuBlock.CanWrite(state, uop, linear, PieceBytes, XsaveArea.Bytes)
            && FpuBlock.TryRead(state, uop, linear, PieceBytes, area);
    }

    private static Outcome Finish(CpuState* state, Uop* uop, ulong linear, ReadOnlySpan<byte> area) =>
        FpuBlock.TryWrite(state, uop, linear, PieceBytes, area) ? Outcome.Next : Outcome.NotRetired;

    /// <summary>The linear address; #GP if it is not at a multiple of 64.</summary>
    public static bool TryResolve(CpuState* state, Uop* uop, AccessKind access, out ulong linear)
    {
        if (!FpuBlock.TryResolve(state, uop, XsaveArea.Bytes, access, out linear))
        {
            return false;
        }

        if ((linear & Alignment) == 0)
        {
            return true;
        }

        Faults.GeneralProtectionFault(state);
        return false;
    }
}
