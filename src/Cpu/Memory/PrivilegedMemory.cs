// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Memory;

// JUSTIFICATION: see LinearMemory.
// SAFETY: see LinearMemory.

/// <summary>What the processor itself reads and writes by linear address, at a privilege that need not be the CPL:
/// descriptor tables, TSS, stacks of another privilege.</summary>
/// <remarks>On false the fault fields hold the #PF.</remarks>
internal static unsafe class PrivilegedMemory
{
    private const ulong PageOffsetMask = GuestMemory.PageBytes - 1;

    public static bool ReadAsSupervisor(CpuState* state, ulong linear, int sizeBytes, out ulong value)
    {
        value = 0;
        for (int done = 0; done < sizeBytes;)
        {
            ulong address = At(state, linear, done);
            int count = CountInPage(address, sizeBytes - done);
            if (!PageAccess.TranslateAs(state, address, AccessKind.Read, user: false, out ulong physical))
            {
                return false;
            }

            value |= PhysicalMemory.Read(state, physical, count) << (8 * done);
            done += count;
        }

        return true;
    }

    public static bool WriteAsSupervisor(CpuState* state, ulong linear, int sizeBytes, ulong value) =>
        Write(state, linear, sizeBytes, value, user: false);

    /// <summary>Writes up to 8 bytes; all or, on a fault, none.</summary>
    public static bool Write(CpuState* state, ulong linear, int sizeBytes, ulong value, bool user)
    {
        ulong last = At(state, linear, sizeBytes - 1);
        if (!PageAccess.TranslateAs(state, linear, AccessKind.Write, user, out ulong first)
            || !PageAccess.TranslateAs(state, last, AccessKind.Write, user, out ulong second))
        {
            return false;
        }

        int inFirst = CountInPage(linear, sizeBytes);
        PhysicalMemory.Write(state, first, inFirst, value);
        if (inFirst < sizeBytes)
        {
            PhysicalMemory.Write(state, second & ~PageOffsetMask, sizeBytes - inFirst, value >> (8 * inFirst));
        }

        return true;
    }

    private static ulong At(CpuState* state, ulong linear, int offset)
    {
        ulong address = linear + (ulong)offset;
        return (state->Efer & ControlBits.EferLongModeActive) != 0 ? address : (uint)address;
    }

    private static int CountInPage(ulong address, int count) =>
        (int)Math.Min((ulong)count, GuestMemory.PageBytes - (address & PageOffsetMask));
}
