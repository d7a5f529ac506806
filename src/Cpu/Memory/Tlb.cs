// SPDX-License-Identifier: Apache-2.0

using System.Runtime.CompilerServices;
using KvmActors.Cpu.Decode;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Memory;

// JUSTIFICATION: the probe is on the path of every load and store: eight host instructions, no call.
// SAFETY: the index is masked to EntryCount; an entry's host address is inside RAM because only PageAccess fills
// entries, from physical addresses it has compared with the size of RAM; the probe refuses a range that leaves the
// page.

/// <summary>The software TLB: for each privilege one direct-mapped array for reads, writes and fetches.</summary>
/// <remarks>Separate arrays, so that a copy between two addresses with equal low bits does not evict itself. Only pages
/// of RAM get entries, and only pages without code get write entries, which exist only while the page is dirty for
/// every reader.</remarks>
internal static unsafe class Tlb
{
    public const int EntryCount = 1024;
    public const int EntryBytes = 16;
    public const int ReadOffset = 0;
    public const int WriteOffset = EntryCount * EntryBytes;
    public const int FetchOffset = 2 * EntryCount * EntryBytes;
    public const int SetBytes = 3 * EntryCount * EntryBytes;

    public const int SupervisorSet = 0;
    public const int UserSet = 1;

    /// <summary>Supervisor with RFLAGS.AC set, which may reach user pages that CR4.SMAP keeps from it otherwise.
    /// </summary>
    public const int SupervisorWithAcSet = 2;

    /// <summary>The set that is never filled, active while every access has to be looked at.</summary>
    public const int EmptySet = 3;

    public const int SetCount = 4;

    private const int FilledSetCount = 3;

    public const int PageShift = 12;

    private const ulong PageMask = ~(ulong)(GuestMemory.PageBytes - 1);

    public static byte* Set(CpuState* state, int set) => (byte*)state + CpuState.TlbOffset + (set * SetBytes);

    /// <summary>Host address of a readable range in one page, or null: then ask <c>PageAccess</c>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static byte* ProbeRead(CpuState* state, ulong linear, int sizeBytes) =>
        Probe(state->ActiveTlb + ReadOffset, linear, sizeBytes);

    /// <summary>Host address of a writable range in one page, or null: then ask <c>PageAccess</c>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static byte* ProbeWrite(CpuState* state, ulong linear, int sizeBytes) =>
        Probe(state->ActiveWriteTlb, linear, sizeBytes);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static byte* ProbeFetch(CpuState* state, ulong linear) =>
        Probe(state->ActiveTlb + FetchOffset, linear, sizeBytes: 1);

    public static TlbEntry* Entry(byte* array, ulong linear) =>
        (TlbEntry*)(array + ((linear >> 8) & ((EntryCount - 1) << 4)));

    /// <summary>Makes every entry invalid, of all sets: for a state that has just been allocated.</summary>
    public static void Initialize(CpuState* state)
    {
        Clear(Set(state, SupervisorSet), SetCount * SetBytes);
        JumpCache.Initialize(state);
    }

    /// <summary>Drops everything, and with it the jump cache, which holds translations too.</summary>
    public static void Flush(CpuState* state)
    {
        if (!state->TlbFills.TryClear(TlbEntry.Invalid))
        {
            ClearFilledSets(state);
        }

        state->FilledTlbSets = 0;
        state->HasLargeTranslations = 0;
        JumpCache.Flush(state);
    }

    /// <summary>Drops the page that holds a linear address. Large pages were entered in pieces of 4 KiB, so if there
    /// are any, everything is dropped.</summary>
    public static void FlushPage(CpuState* state, ulong linear)
    {
        if (state->HasLargeTranslations != 0)
        {
            Flush(state);
            return;
        }

        for (int set = 0; set < FilledSetCount; set++)
        {
            for (int array = 0; array < SetBytes; array += EntryCount * EntryBytes)
            {
                TlbEntry* entry = Entry(Set(state, set) + array, linear);
                if (entry->Tag == linear >> PageShift)
                {
                    entry->Tag = TlbEntry.Invalid;
                }
            }
        }

        JumpCache.FlushPage(state, linear);
    }

    public static void FlushWrites(CpuState* state)
    {
        for (int set = 0; set < FilledSetCount; set++)
        {
            Clear(Set(state, set) + WriteOffset, EntryCount * EntryBytes);
        }
    }

    /// <summary>Drops every write entry that leads to one host page.</summary>
    public static void FlushWritesTo(CpuState* state, byte* hostPage)
    {
        for (int set = 0; set < FilledSetCount; set++)
        {
            var entries = (TlbEntry*)(Set(state, set) + WriteOffset);
            for (int index = 0; index < EntryCount; index++)
            {
                if (entries[index].Tag != TlbEntry.Invalid
                    && (byte*)((entries[index].Tag << PageShift) + (ulong)entries[index].Addend) == hostPage)
                {
                    entries[index].Tag = TlbEntry.Invalid;
                }
            }
        }
    }

    public static void Fill(CpuState* state, byte* array, ulong linear, byte* hostPage)
    {
        TlbEntry* entry = Entry(array, linear);
        state->TlbFills.Note(&entry->Tag);
        state->FilledTlbSets |= 1 << (int)((array - Set(state, 0)) / SetBytes);
        entry->Tag = linear >> PageShift;
        entry->Addend = (long)hostPage - (long)(linear & PageMask);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static byte* Probe(byte* array, ulong linear, int sizeBytes)
    {
        TlbEntry* entry = Entry(array, linear);
        return (linear + (ulong)(sizeBytes - 1)) >> PageShift == entry->Tag
            ? (byte*)(linear + (ulong)entry->Addend)
            : null;
    }

    private static void ClearFilledSets(CpuState* state)
    {
        for (int set = 0; set < FilledSetCount; set++)
        {
            // A set that nothing was entered in since the last time is empty already: the guest's other privilege.
            if ((state->FilledTlbSets & (1 << set)) != 0)
            {
                Clear(Set(state, set), SetBytes);
            }
        }
    }

    private static void Clear(byte* start, int bytes) => new Span<byte>(start, bytes).Fill(0xFF);
}
