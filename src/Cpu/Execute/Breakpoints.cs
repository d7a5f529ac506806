// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute;

// JUSTIFICATION: see CpuState.
// SAFETY: slots are 0 to 5; touches the debug registers and fields of the state only.

/// <summary>The four hardware breakpoints and the status they and single-stepping leave in DR6.</summary>
/// <remarks>
/// <para>While DR7 enables any, instructions go one by one; while it enables one for data, no access finds the TLB, so
/// that <see cref="Memory.LinearMemory"/> sees each. A guest that enables none pays nothing.</para>
/// <para>What the processor itself reads and writes (descriptor tables, the frame of an exception, page tables) is not
/// watched. Source: Intel SDM vol. 3A, sections 19.2 "Debug Registers" and 19.3.1 "Debug Exception".</para>
/// </remarks>
internal static unsafe class Breakpoints
{
    public const ulong SingleStep = 1ul << 14;

    /// <summary>The four matches, as bits of DR6.</summary>
    public const int AllMatches = 0xF;

    private const int Count = 4;
    private const int StatusSlot = 4;
    private const int ControlSlot = 5;
    private const ulong Enables = 0xFF;
    private const int KindShift = 16;
    private const int LengthShift = 18;
    private const int FieldBits = 4;
    private const int Execution = 0;
    private const int DataWrite = 1;
    private const int Port = 2;
    private const int DataAccess = 3;

    /// <summary>True if DR7 enables any.</summary>
    public static bool AnyEnabled(CpuState* state) => (*CpuState.DebugRegister(state, ControlSlot) & Enables) != 0;

    /// <summary>True if DR7 enables one for data.</summary>
    public static bool AnyForData(CpuState* state)
    {
        for (int index = 0; index < Count; index++)
        {
            if (IsEnabled(state, index) && Kind(state, index) is DataWrite or DataAccess)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>The execution breakpoints at RIP, a bit each as in DR6. RFLAGS.RF is the caller's.</summary>
    public static int AtRip(CpuState* state)
    {
        ulong linear = state->CodeBase + state->Rip;
        linear = state->Mode == CpuMode.Long64 ? linear : (uint)linear;
        int found = 0;
        for (int index = 0; index < Count; index++)
        {
            bool isHere = *CpuState.DebugRegister(state, index) == linear;
            found |= isHere && IsEnabled(state, index) && Kind(state, index) == Execution ? 1 << index : 0;
        }

        return found;
    }

    /// <summary>Remembers the data breakpoints that an access meets, for the trap behind its instruction.</summary>
    public static void NoteData(CpuState* state, ulong linear, int sizeBytes, bool isWrite)
    {
        for (int index = 0; index < Count; index++)
        {
            bool isWatched = Kind(state, index) is DataAccess || (isWrite && Kind(state, index) is DataWrite);
            if (isWatched && IsEnabled(state, index) && Overlaps(state, index, linear, sizeBytes))
            {
                state->DebugMatches |= 1 << index;
            }
        }
    }

    /// <summary>Remembers the breakpoints that a port access meets, which exist only while CR4.DE is set.</summary>
    public static void NotePort(CpuState* state, ushort port, int sizeBytes)
    {
        bool exist = (state->Cr4 & ControlBits.Cr4DebuggingExtensions) != 0 && AnyEnabled(state);
        for (int index = 0; exist && index < Count; index++)
        {
            if (Kind(state, index) == Port && IsEnabled(state, index) && Overlaps(state, index, port, sizeBytes))
            {
                state->DebugMatches |= 1 << index;
            }
        }
    }

    /// <summary>Records #DB with its causes in DR6: the matches are those of this exception, all else stays set.
    /// </summary>
    public static void Raise(CpuState* state, int matches, bool isSingleStep)
    {
        ulong* status = CpuState.DebugRegister(state, StatusSlot);
        *status = (*status & ~(ulong)AllMatches) | (uint)matches | (isSingleStep ? SingleStep : 0);
        Faults.Raise(state, Faults.Debug);
    }

    /// <summary>To be called by an instruction that clears or sets RFLAGS.TF for what comes right behind itself: INT n,
    /// SYSCALL, SYSRET. RIP and the flags are the new ones.</summary>
    /// <remarks>Source: Intel SDM vol. 2B, "SYSCALL", "SYSRET"; vol. 3A, section 19.3.1.4.</remarks>
    public static void DecideTrapByNewFlags(CpuState* state)
    {
        state->IsTrapDecided = 1;
        if ((state->SystemFlags & RFlags.Trap) != 0)
        {
            Raise(state, TakeMatches(state), isSingleStep: true);
        }
    }

    /// <summary>The matches so far, which are forgotten.</summary>
    public static int TakeMatches(CpuState* state)
    {
        int matches = state->DebugMatches;
        state->DebugMatches = 0;
        return matches;
    }

    private static bool IsEnabled(CpuState* state, int index) =>
        ((*CpuState.DebugRegister(state, ControlSlot) >> (2 * index)) & 3) != 0;

    private static int Kind(CpuState* state, int index) =>
        (int)(*CpuState.DebugRegister(state, ControlSlot) >> (KindShift + (FieldBits * index))) & 3;

    private static bool Overlaps(CpuState* state, int index, ulong start, int sizeBytes)
    {
        int length = (int)(*CpuState.DebugRegister(state, ControlSlot) >> (LengthShift + (FieldBits * index))) & 3;
        ulong bytes = length switch
        {
            0 => 1,
            1 => 2,
            2 => 8,
            _ => 4,
        };
        ulong watched = *CpuState.DebugRegister(state, index) & ~(bytes - 1);
        return start < watched + bytes && watched < start + (ulong)sizeBytes;
    }
}
