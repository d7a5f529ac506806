// SPDX-License-Identifier: Apache-2.0

using System.Runtime.CompilerServices;
using KvmActors.Cpu.Execute.Events;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Memory;

// JUSTIFICATION: see Tlb.
// SAFETY: host addresses come from a TLB probe, which keeps the range inside one page of RAM, or from PhysicalMemory.

/// <summary>Loads and stores by linear address at the present CPL, of 1 to 8 bytes, also across pages.</summary>
/// <remarks>A store is checked whole before its first byte is written. The value loaded is in
/// <see cref="CpuState.Loaded"/>. On false the fault fields hold the exception.</remarks>
internal static unsafe class LinearMemory
{
    private const ulong PageOffsetMask = GuestMemory.PageBytes - 1;
    private const byte StackFaultVector = 12;
    private const byte GeneralProtectionVector = 13;
    private const byte AlignmentCheckVector = 17;
    private const int CanonicalShift = 16;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Read(CpuState* state, ulong linear, int sizeBytes, SegmentName segment)
    {
        byte* host = Tlb.ProbeRead(state, linear, sizeBytes);
        if (host == null)
        {
            return ReadSlowly(state, linear, sizeBytes, segment);
        }

        state->Loaded = sizeBytes switch
        {
            1 => *host,
            2 => *(ushort*)host,
            4 => *(uint*)host,
            _ => *(ulong*)host,
        };
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Write(CpuState* state, ulong linear, int sizeBytes, ulong value, SegmentName segment)
    {
        byte* host = Tlb.ProbeWrite(state, linear, sizeBytes);
        if (host == null)
        {
            return WriteSlowly(state, linear, sizeBytes, value, segment);
        }

        switch (sizeBytes)
        {
            case 1:
                *host = (byte)value;
                break;
            case 2:
                *(ushort*)host = (ushort)value;
                break;
            case 4:
                *(uint*)host = (uint)value;
                break;
            default:
                *(ulong*)host = value;
                break;
        }

        return true;
    }

    /// <summary>True if a store of this size would succeed. A read-modify-write asks before it reads, so that it faults
    /// as a write.</summary>
    public static bool CheckWrite(CpuState* state, ulong linear, int sizeBytes, SegmentName segment) =>
        Tlb.ProbeWrite(state, linear, sizeBytes) != null
        || (Check(state, linear, sizeBytes, segment)
            && TranslateBoth(state, linear, sizeBytes, AccessKind.Write, out _, out _)
            && PassesWatchpoints(state, linear, sizeBytes, isWrite: true));

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static bool ReadSlowly(CpuState* state, ulong linear, int sizeBytes, SegmentName segment)
    {
        if (!Check(state, linear, sizeBytes, segment)
            || !TranslateBoth(state, linear, sizeBytes, AccessKind.Read, out ulong first, out ulong second)
            || !PassesWatchpoints(state, linear, sizeBytes, isWrite: false))
        {
            return false;
        }

        int inFirst = BytesInFirstPage(linear, sizeBytes);
        if (!TryLoad(state, first, inFirst, out ulong low))
        {
            return false;
        }

        ulong high = 0;
        if (inFirst < sizeBytes && !TryLoad(state, second, sizeBytes - inFirst, out high))
        {
            return false;
        }

        state->Loaded = low | (high << (8 * inFirst));
        NoteBreakpoints(state, linear, sizeBytes, isWrite: false);
        return true;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static bool WriteSlowly(CpuState* state, ulong linear, int sizeBytes, ulong value, SegmentName segment)
    {
        if (!Check(state, linear, sizeBytes, segment)
            || !TranslateBoth(state, linear, sizeBytes, AccessKind.Write, out ulong first, out ulong second)
            || !PassesWatchpoints(state, linear, sizeBytes, isWrite: true))
        {
            return false;
        }

        int inFirst = BytesInFirstPage(linear, sizeBytes);
        bool isRam = PhysicalMemory.IsRam(state, first, inFirst)
            && (inFirst == sizeBytes || PhysicalMemory.IsRam(state, second, sizeBytes - inFirst));
        if (!isRam && !DeviceAccess.IsAllowed(state))
        {
            return false;
        }

        Store(state, first, inFirst, value);
        if (inFirst < sizeBytes)
        {
            Store(state, second, sizeBytes - inFirst, value >> (8 * inFirst));
        }

        NoteBreakpoints(state, linear, sizeBytes, isWrite: true);
        return true;
    }

    /// <summary>True for an address whose bits 63:47 are all equal.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsCanonical(ulong linear) =>
        (ulong)((long)(linear << CanonicalShift) >> CanonicalShift) == linear;

    /// <summary>The checks before translation: canonical form, alignment.</summary>
    private static bool Check(CpuState* state, ulong linear, int sizeBytes, SegmentName segment)
    {
        if (state->Mode == CpuMode.Long64 && !(IsCanonical(linear) && IsCanonical(linear + (ulong)sizeBytes - 1)))
        {
            byte vector = segment == SegmentName.Ss ? StackFaultVector : GeneralProtectionVector;
            return Fault(state, vector);
        }

        bool isAligned = (linear & ((ulong)sizeBytes - 1)) == 0;
        return isAligned || !Execute.ModeControl.ChecksAlignment(state) || Fault(state, AlignmentCheckVector);
    }

    private static void NoteBreakpoints(CpuState* state, ulong linear, int sizeBytes, bool isWrite)
    {
        if (state->WatchesData != 0)
        {
            Execute.Breakpoints.NoteData(state, linear, sizeBytes, isWrite);
        }
    }

    /// <summary>False if a debugger watches these bytes, and the instruction does not run by itself yet.</summary>
    private static bool PassesWatchpoints(CpuState* state, ulong linear, int sizeBytes, bool isWrite) =>
        state->HasWatchpoints == 0
        || Execute.VcpuEngine.Of(state).Debug.MayAccess(linear, sizeBytes, isWrite);

    private static bool TryLoad(CpuState* state, ulong physical, int sizeBytes, out ulong value)
    {
        if (PhysicalMemory.IsRam(state, physical, sizeBytes))
        {
            value = PhysicalMemory.Read(state, physical, sizeBytes);
            return true;
        }

        bool isAllowed = DeviceAccess.IsAllowed(state);
        value = isAllowed ? DeviceAccess.Read(state, physical, sizeBytes) : 0;
        return isAllowed;
    }

    private static void Store(CpuState* state, ulong physical, int sizeBytes, ulong value)
    {
        if (PhysicalMemory.IsRam(state, physical, sizeBytes))
        {
            PhysicalMemory.Write(state, physical, sizeBytes, value);
        }
        else
        {
            DeviceAccess.Write(state, physical, sizeBytes, value);
        }
    }

    private static bool TranslateBoth(
        CpuState* state, ulong linear, int sizeBytes, AccessKind access, out ulong first, out ulong second)
    {
        second = 0;
        if (!PageAccess.Translate(state, linear, access, out first))
        {
            return false;
        }

        int inFirst = BytesInFirstPage(linear, sizeBytes);
        if (inFirst == sizeBytes)
        {
            return true;
        }

        ulong next = linear + (ulong)inFirst;
        next = state->Mode == CpuMode.Long64 ? next : (uint)next;
        return PageAccess.Translate(state, next, access, out second);
    }

    private static int BytesInFirstPage(ulong linear, int sizeBytes) =>
        (int)Math.Min((ulong)sizeBytes, GuestMemory.PageBytes - (linear & PageOffsetMask));

    private static bool Fault(CpuState* state, byte vector)
    {
        state->Fault.Vector = vector;
        state->Fault.HasErrorCode = true;
        state->Fault.ErrorCode = 0;
        return false;
    }
}
