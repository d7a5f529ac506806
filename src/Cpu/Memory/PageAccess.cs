// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Execute;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Memory;

// JUSTIFICATION: see Tlb.
// SAFETY: a TLB entry is made only for a page that lies wholly inside RAM.

/// <summary>Translates linear addresses and fills the TLB.</summary>
internal static unsafe class PageAccess
{
    private const ulong PageMask = ~(ulong)(GuestMemory.PageBytes - 1);

    /// <summary>Physical address of one byte for an access at the present CPL.</summary>
    /// <returns>False on #PF, which the fault fields then hold.</returns>
    public static bool Translate(CpuState* state, ulong linear, AccessKind access, out ulong physical) =>
        Translate(state, linear, access, user: state->Cpl == 3, state->ActiveTlb, out physical);

    /// <summary>As <see cref="Translate(CpuState*, ulong, AccessKind, out ulong)"/>, at a privilege of its
    /// own.</summary>
    public static bool TranslateAs(
        CpuState* state, ulong linear, AccessKind access, bool user, out ulong physical) =>
        Translate(
            state, linear, access, user, Tlb.Set(state, user ? Tlb.UserSet : Tlb.SupervisorSet), out physical);

    private static bool Translate(
        CpuState* state, ulong linear, AccessKind access, bool user, byte* set, out ulong physical)
    {
        byte* array = set + ((int)access * Tlb.EntryCount * Tlb.EntryBytes);
        TlbEntry* entry = Tlb.Entry(array, linear);
        if (entry->Tag == linear >> Tlb.PageShift)
        {
            physical = (ulong)((byte*)(linear + (ulong)entry->Addend) - state->Ram);
            return true;
        }

        state->TlbMisses++;
        bool isUserPage = true;
        if ((state->Cr0 & ControlBits.Cr0Paging) == 0)
        {
            physical = linear;
        }
        else
        {
            state->PageWalks++;
            if (!PageWalk.Walk(state, linear, access, user, out physical, out isUserPage))
            {
                return false;
            }
        }

        bool isWatched = state->HasWatchpoints != 0 && access != AccessKind.Fetch
            && VcpuEngine.Of(state).Debug.WatchesPage(linear);
        bool dependsOnAc = isUserPage && !user && set != Tlb.Set(state, Tlb.SupervisorWithAcSet)
            && (state->Cr4 & ControlBits.Cr4SupervisorAccessPrevention) != 0;
        if (!dependsOnAc && !isWatched && set != Tlb.Set(state, Tlb.EmptySet))
        {
            Fill(state, array, linear, access, physical);
        }

        return true;
    }

    private static void Fill(CpuState* state, byte* array, ulong linear, AccessKind access, ulong physical)
    {
        ulong page = physical & PageMask;
        if (!PhysicalMemory.IsRam(state, page, GuestMemory.PageBytes))
        {
            return;
        }

        if (access == AccessKind.Write)
        {
            byte* flags = state->PageFlags + (page / GuestMemory.PageBytes);
            if ((*flags & PageFlags.Watched) != 0)
            {
                return;
            }

            *flags |= PageFlags.AllDirty;
        }

        Tlb.Fill(state, array, linear, state->Ram + page);
    }
}
