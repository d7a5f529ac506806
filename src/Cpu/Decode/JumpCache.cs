// SPDX-License-Identifier: Apache-2.0

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using KvmActors.Cpu.Memory;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Decode;

// JUSTIFICATION: the look-up ends every block whose successor is not linked: two loads and two compares.
// SAFETY: the index is masked to EntryCount; blocks live until BlockCache drops all of them, which flushes this cache.

/// <summary>Leads from a linear instruction address to its block, for one mode and privilege at a time.</summary>
/// <remarks>The tag is the linear RIP xor <see cref="CpuState.JumpTag"/>, whose bits lie above bit 48, where a
/// canonical address has only copies of bit 47. Holds translations, so every flush of the TLB flushes it. What was
/// learned of an address elsewhere holds as long as <see cref="CpuState.JumpEpoch"/> is what it was: its upper bits are
/// the tag, the others count what was forgotten here.</remarks>
internal static unsafe class JumpCache
{
    public const int EntryCount = SlotsInPage * PageSlots;
    public const int EntryBytes = 16;
    public const int SizeBytes = EntryCount * EntryBytes;

    public const int TagOffset = 0;
    public const int BlockOffset = 8;

    public const int PageShift = 12;
    public const int SlotBits = 9;
    public const int SlotsInPage = 1 << SlotBits;
    public const int PageSlots = 16;

    private const ulong Empty = 0x5A5A_5A5A_5A5A_5A5A;
    private const int TagShift = 49;

    /// <summary>The tag of a mode and privilege. Fits in bits 63:49, and no tag is the complement of another.</summary>
    public static ulong TagOf(CpuMode mode, bool user) =>
        ((ulong)mode << (TagShift + 1)) | (user ? 1ul << TagShift : 0);

    /// <summary>To be called when mode or privilege may have changed.</summary>
    public static void Select(CpuState* state, CpuMode mode, bool user)
    {
        const ulong Count = (1ul << TagShift) - 1;
        state->JumpTag = TagOf(mode, user);
        state->JumpEpoch = (state->JumpEpoch & Count) | state->JumpTag;
    }

    /// <summary>The block at RIP, or null.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Block* Find(CpuState* state)
    {
        ulong linear = state->CodeBase + state->Rip;
        Entry* entry = EntryOf(state, linear);
        if (entry->Tag != (linear ^ state->JumpTag))
        {
            return null;
        }

        Block* block = entry->Block;
        return block->Rip == state->Rip && block->LastByte <= state->CodeLimit ? block : null;
    }

    /// <summary>True if it would be found at its RIP.</summary>
    public static bool Holds(CpuState* state, Block* block)
    {
        ulong linear = state->CodeBase + block->Rip;
        Entry* entry = EntryOf(state, linear);
        return entry->Tag == (linear ^ state->JumpTag) && entry->Block == block;
    }

    public static void Add(CpuState* state, Block* block)
    {
        ulong linear = state->CodeBase + block->Rip;
        ulong tag = linear ^ state->JumpTag;
        Entry* entry = EntryOf(state, linear);
        bool isOther = entry->Tag != Empty && (entry->Tag != tag || entry->Block != block);
        if (isOther && entry->Block->HostCode != null)
        {
            // It is forgotten here, so it must be looked up again wherever host code has noted it.
            state->JumpEpoch++;
        }

        entry->Tag = tag;
        entry->Block = block;
        state->JumpFills.Note(&entry->Tag);
    }

    /// <summary>Makes every entry invalid: for a state that has just been allocated.</summary>
    public static void Initialize(CpuState* state) => Clear(First(state), EntryCount);

    public static void Flush(CpuState* state)
    {
        state->JumpEpoch++;
        if (!state->JumpFills.TryClear(Empty))
        {
            Clear(First(state), EntryCount);
        }
    }

    /// <summary>Drops the blocks that lie in a page or reach into it from the page before.</summary>
    public static void FlushPage(CpuState* state, ulong linear)
    {
        state->JumpEpoch++;
        FlushSlotsOf(state, linear);
        FlushSlotsOf(state, linear - GuestMemory.PageBytes);
    }

    private static void FlushSlotsOf(CpuState* state, ulong linear)
    {
        Entry* first = First(state) + PageSlot(linear);
        if (!state->JumpFills.TryClear(&first->Tag, &first[SlotsInPage].Tag, Empty))
        {
            Clear(first, SlotsInPage);
        }
    }

    private static void Clear(Entry* entries, int count)
    {
        for (int index = 0; index < count; index++)
        {
            entries[index].Tag = Empty;
        }
    }

    private static Entry* First(CpuState* state) => (Entry*)((byte*)state + CpuState.JumpCacheOffset);

    /// <summary>The blocks of one page share a run of slots, so that a page can be dropped at little cost.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong PageSlot(ulong linear) =>
        ((linear >> PageShift) ^ (linear >> (PageShift + SlotBits))) % PageSlots * SlotsInPage;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Entry* EntryOf(CpuState* state, ulong linear) => First(state) + IndexOf(linear);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong IndexOf(ulong linear) =>
        PageSlot(linear) | ((linear ^ (linear >> SlotBits)) % SlotsInPage);

    [StructLayout(LayoutKind.Explicit, Size = EntryBytes)]
    private struct Entry
    {
        [FieldOffset(TagOffset)]
        public ulong Tag;

        [FieldOffset(BlockOffset)]
        public Block* Block;
    }
}
