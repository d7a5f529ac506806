// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.Decode;
using KvmActors.Cpu.Memory;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Fpu;

// JUSTIFICATION: see CpuState.
// SAFETY: memory is reached through FpuBlock; the area is a span with its own bounds.

/// <summary>XRSTOR, XRSTORS, XSETBV, XGETBV.</summary>
/// <remarks>Source: Intel SDM vol. 1, sections 13.3, 13.8 and 13.12; vol. 2 of each instruction.</remarks>
internal static unsafe class XrstorOperations
{
    private const int PieceBytes = 8;
    private const uint Xcr0 = 0;
    private const uint InUse = 1;

    public static void Register(InstructionTable table)
    {
        table.Add(Mnemonic.Xrstor, &Restore, GuestFeature.Xsave);
        table.Add(Mnemonic.Xrstor64, &RestoreLong, GuestFeature.Xsave);
        table.Add(Mnemonic.Xrstors, &RestoreSupervisor, GuestFeature.XsaveSupervisor);
        table.Add(Mnemonic.Xrstors64, &RestoreSupervisorLong, GuestFeature.XsaveSupervisor);
        table.AddLast(Mnemonic.Xsetbv, &WriteControl, GuestFeature.Xsave);
        table.Add(Mnemonic.Xgetbv, &ReadControl, GuestFeature.Xsave);
    }

    private static Outcome Restore(CpuState* state, Uop* uop) =>
        XsaveAvailability.MaySave(state) ? Restore(state, uop, isLong: false, isSupervisor: false) : Outcome.NotRetired;

    private static Outcome RestoreLong(CpuState* state, Uop* uop) =>
        XsaveAvailability.MaySave(state) ? Restore(state, uop, isLong: true, isSupervisor: false) : Outcome.NotRetired;

    private static Outcome RestoreSupervisor(CpuState* state, Uop* uop) =>
        RestoreSupervisor(state, uop, isLong: false);

    private static Outcome RestoreSupervisorLong(CpuState* state, Uop* uop) =>
        RestoreSupervisor(state, uop, isLong: true);

    private static Outcome RestoreSupervisor(CpuState* state, Uop* uop, bool isLong)
    {
        if (!XsaveAvailability.MaySave(state))
        {
            return Outcome.NotRetired;
        }

        return state->Cpl != 0
            ? Faults.GeneralProtectionFault(state)
            : Restore(state, uop, isLong, isSupervisor: true);
    }

    private static Outcome Restore(CpuState* state, Uop* uop, bool isLong, bool isSupervisor)
    {
        Span<byte> area = stackalloc byte[XsaveArea.Bytes];
        if (!XsaveOperations.TryResolve(state, uop, AccessKind.Read, out ulong linear)
            || !FpuBlock.TryRead(state, uop, linear, PieceBytes, area))
        {
            return Outcome.NotRetired;
        }

        ulong enabled = state->Xcr0 | (isSupervisor ? XsaveAvailability.Supervisor : 0);
        ulong requested = XsaveAvailability.Requested(state, enabled);
        var header = XsaveHeader.Read(area[XsaveArea.LegacyBytes..]);
        if (!header.IsValid(enabled, XsaveAvailability.HasCompacted(state)) || (isSupervisor && !header.IsCompacted)
            || !TryRestoreMxcsr(state, area, requested, header))
        {
            return Faults.GeneralProtectionFault(state);
        }

        RestoreX87(state, area, requested, header, isLong);
        RestoreXmm(state, area, requested, header);
        return Outcome.Next;
    }

    /// <summary>In the standard format MXCSR is loaded whether or not the SSE component is present.</summary>
    private static bool TryRestoreMxcsr(
        CpuState* state, ReadOnlySpan<byte> area, ulong requested, in XsaveHeader header)
    {
        ulong owners = XsaveComponents.Sse | (header.IsCompacted ? 0 : XsaveComponents.Avx);
        if ((requested & owners) == 0)
        {
            return true;
        }

        if (header.IsCompacted && (header.Present & XsaveComponents.Sse) == 0)
        {
            XsaveArea.InitializeMxcsr(state);
            return true;
        }

        return FxSaveLayout.TryReadMxcsr(state, area);
    }

    private static void RestoreX87(
        CpuState* state, ReadOnlySpan<byte> area, ulong requested, in XsaveHeader header, bool isLong)
    {
        if ((requested & XsaveComponents.X87) == 0)
        {
            return;
        }

        if ((header.Present & XsaveComponents.X87) != 0)
        {
            FxSaveLayout.ReadX87(state, area, isLong);
        }
        else
        {
            XsaveArea.InitializeX87(state);
        }
    }

    private static void RestoreXmm(CpuState* state, ReadOnlySpan<byte> area, ulong requested, in XsaveHeader header)
    {
        if ((requested & XsaveComponents.Sse) == 0)
        {
            return;
        }

        if ((header.Present & XsaveComponents.Sse) != 0)
        {
            XsaveArea.ReadXmm(state, area);
        }
        else
        {
            XsaveArea.InitializeXmm(state);
        }
    }

    private static Outcome WriteControl(CpuState* state, Uop* uop)
    {
        if (!XsaveAvailability.IsOn(state))
        {
            return Outcome.NotRetired;
        }

        ulong value = (state->Rdx << 32) | (uint)state->Rax;
        bool isValid = state->Cpl == 0
            && (uint)state->Rcx == Xcr0
            && (value & ~XsaveAvailability.Supported(state)) == 0
            && XsaveComponents.AreConsistent(value);
        if (!isValid)
        {
            return Faults.GeneralProtectionFault(state);
        }

        state->Xcr0 = value;
        return Outcome.Next;
    }

    private static Outcome ReadControl(CpuState* state, Uop* uop)
    {
        if (!XsaveAvailability.IsOn(state))
        {
            return Outcome.NotRetired;
        }

        bool hasInUse = (state->Features & GuestFeature.XgetbvInUse) != 0;
        ulong? value = (uint)state->Rcx switch
        {
            Xcr0 => state->Xcr0,
            InUse when hasInUse => state->Xcr0
                & (XsaveArea.InUse(state) | (XsaveArea.HasInitialMxcsr(state) ? 0 : XsaveComponents.Sse)),
            _ => null,
        };
        if (value is not { } found)
        {
            return Faults.GeneralProtectionFault(state);
        }

        state->Rax = (uint)found;
        state->Rdx = found >> 32;
        return Outcome.Next;
    }
}
