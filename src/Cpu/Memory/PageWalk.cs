// SPDX-License-Identifier: Apache-2.0

using System.Runtime.CompilerServices;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Memory;

// JUSTIFICATION: see CpuState; a walk reads and writes guest RAM by physical address.
// SAFETY: PhysicalMemory compares every physical address with the size of RAM.

/// <summary>The page walk: 32-bit, PAE and 4-level paging, with accessed and dirty bits.</summary>
/// <remarks>Accessed and dirty bits are set only by a walk that succeeds; a translation holds until one of the entries
/// it was read from is written (<see cref="PageFlags.Table"/>), so that nothing tells which translations are in a TLB.
/// PDPTEs of PAE paging are read by each walk, as AMD does it, and not latched by MOV to CR3, which checks them as
/// Intel does. Source: Intel SDM vol. 3A, chapter 5 "Paging".</remarks>
internal static unsafe class PageWalk
{
    public const uint FaultPresent = 1 << 0;
    public const uint FaultWrite = 1 << 1;
    public const uint FaultUser = 1 << 2;
    public const uint FaultReserved = 1 << 3;
    public const uint FaultFetch = 1 << 4;

    private const ulong Present = 1ul << 0;
    private const ulong Writable = 1ul << 1;
    private const ulong User = 1ul << 2;
    private const ulong Accessed = 1ul << 5;
    private const ulong Dirty = 1ul << 6;
    private const ulong Large = 1ul << 7;
    private const ulong NoExecute = 1ul << 63;
    private const ulong AddressMask = 0x000F_FFFF_FFFF_F000;
    private const ulong BitsBehindAddress = 0x7FF0_0000_0000_0000;
    private const ulong Global = 1ul << 8;
    private const int PaePointerBytes = 8;
    private const int PaePointerCount = 4;
    private const ulong PaeTableMask = 0xFFFF_FFE0;

    // A PDPTE of PAE paging has no R/W, U/S, A and PS. Source: SDM vol. 3A, table 5-8.
    private const ulong PaePointerReserved = 0x1E6;
    private const int SmallPageShift = 12;
    private const int LevelsMax = 4;
    private const int PageFaultVector = 14;

    /// <summary>Walks for one access.</summary>
    /// <param name="state">The vCPU; paging is on.</param>
    /// <param name="linear">The address.</param>
    /// <param name="access">What it is for.</param>
    /// <param name="user">True for an access of privilege 3.</param>
    /// <param name="physical">Physical address of the byte.</param>
    /// <param name="isUserPage">True if privilege 3 may access the page.</param>
    /// <returns>False if it faults; the fault fields of the state then hold the #PF.</returns>
    [SkipLocalsInit]
    public static bool Walk(
        CpuState* state, ulong linear, AccessKind access, bool user, out ulong physical, out bool isUserPage)
    {
        WalkPath path;
        bool found = Descend(state, linear, access, user, &path);
        physical = 0;
        isUserPage = (path.Rights & User) != 0;
        if (!found || !Permits(state, &path))
        {
            return false;
        }

        MarkUsed(state, &path);
        state->HasLargeTranslations |= path.LeafShift - SmallPageShift;
        physical = AddressOf(&path);
        return true;
    }

    /// <summary>Where a linear address leads, whatever its rights, for whoever looks at the guest from outside: no
    /// accessed bit is set. As KVM_TRANSLATE.</summary>
    /// <remarks>Overwrites the fault fields, which hold nothing between two runs.</remarks>
    [SkipLocalsInit]
    public static bool TryInspect(CpuState* state, ulong linear, out ulong physical)
    {
        WalkPath path;
        bool found = Descend(state, linear, AccessKind.Read, user: false, &path);
        physical = found ? AddressOf(&path) : 0;
        return found;
    }

    /// <summary>False if one of the four PDPTEs that CR3 of PAE paging leads to is present and has a reserved bit set:
    /// a move to a control register that would load them is #GP(0).</summary>
    public static bool ArePaePointersValid(CpuState* state, ulong cr3)
    {
        for (int index = 0; index < PaePointerCount; index++)
        {
            ulong address = (cr3 & PaeTableMask) + (ulong)(index * PaePointerBytes);
            ulong entry = PhysicalMemory.Read(state, address, PaePointerBytes);
            if ((entry & Present) != 0 && IsPaePointerReserved(state, entry))
            {
                return false;
            }
        }

        return true;
    }

    private static bool IsPaePointerReserved(CpuState* state, ulong entry) =>
        (entry & (PaePointerReserved | NoExecute)) != 0 || HasReservedAddress(state, entry);

    /// <summary>True if bits of an entry above the guest's physical address width are set; in PAE paging, where none is
    /// the program's, up to bit 62.</summary>
    private static bool HasReservedAddress(CpuState* state, ulong entry)
    {
        bool isLong = (state->Efer & ControlBits.EferLongModeActive) != 0;
        ulong mask = isLong ? AddressMask : AddressMask | BitsBehindAddress;
        return (entry & mask & ~state->PhysicalAddressMask) != 0;
    }

    /// <summary>Follows the entries to the page, if they lead to one, and asks for no rights.</summary>
    private static bool Descend(CpuState* state, ulong linear, AccessKind access, bool user, WalkPath* path)
    {
        path->Linear = linear;
        path->Access = access;
        path->User = user;
        path->Depth = 0;
        path->Rights = Writable | User;
        path->NoExecute = false;
        path->LeafShift = 0;
        path->HasPointer = false;
        return (state->Cr4 & ControlBits.Cr4PhysicalAddressExtension) == 0
            ? Walk32(state, path)
            : WalkPae(state, path);
    }

    /// <summary>The physical address of the byte, where the entries lead to a page.</summary>
    private static ulong AddressOf(WalkPath* path)
    {
        ulong offsetMask = (1ul << path->LeafShift) - 1;
        return (path->Frame & ~offsetMask) | (path->Linear & offsetMask);
    }

    private static bool Walk32(CpuState* state, WalkPath* path)
    {
        const ulong Frame32 = 0xFFFF_F000;
        ulong table = state->Cr3 & Frame32;
        ulong address = table + (((path->Linear >> 22) & 0x3FF) << 2);
        ulong entry = PhysicalMemory.Read(state, address, 4);
        if (!Enter(state, path, address, entry))
        {
            return false;
        }

        if ((entry & Large) != 0 && (state->Cr4 & ControlBits.Cr4PageSizeExtensions) != 0)
        {
            path->LeafShift = 22;
            path->Frame = (entry & 0xFFC0_0000) | (((entry >> 13) & 0xFF) << 32);
            bool isReserved = (entry & (1ul << 21)) != 0 || (path->Frame & ~state->PhysicalAddressMask) != 0;
            return !isReserved || Reserved(state, path);
        }

        address = (entry & Frame32) + (((path->Linear >> 12) & 0x3FF) << 2);
        entry = PhysicalMemory.Read(state, address, 4);
        path->LeafShift = 12;
        path->Frame = entry & Frame32;
        return Enter(state, path, address, entry);
    }

    private static bool WalkPae(CpuState* state, WalkPath* path)
    {
        bool isLong = (state->Efer & ControlBits.EferLongModeActive) != 0;
        ulong table = isLong ? state->Cr3 & AddressMask : state->Cr3 & PaeTableMask;
        for (int level = isLong ? 4 : 3; ; level--)
        {
            int shift = 12 + (9 * (level - 1));
            ulong address = table + (((path->Linear >> shift) & 0x1FF) << 3);
            ulong entry = PhysicalMemory.Read(state, address, 8);
            bool isPaePointer = level == 3 && !isLong;
            if (isPaePointer)
            {
                path->Pointer = address;
                path->HasPointer = true;
                if (!EnterPaePointer(state, path, entry))
                {
                    return false;
                }
            }
            else if (!EnterLong(state, path, address, entry, level))
            {
                return false;
            }

            if (level == 1 || ((entry & Large) != 0 && !isPaePointer))
            {
                path->LeafShift = shift;
                path->Frame = entry & AddressMask;
                ulong reservedLow = ((1ul << shift) - 1) & ~0x1FFFul;
                return (entry & reservedLow) == 0 || level == 1 || Reserved(state, path);
            }

            table = entry & AddressMask;
        }
    }

    private static bool EnterPaePointer(CpuState* state, WalkPath* path, ulong entry)
    {
        if ((entry & Present) == 0)
        {
            return Fault(state, path, 0);
        }

        return !IsPaePointerReserved(state, entry) || Reserved(state, path);
    }

    private static bool EnterLong(CpuState* state, WalkPath* path, ulong address, ulong entry, int level)
    {
        if (!Enter(state, path, address, entry))
        {
            return false;
        }

        bool noExecuteEnabled = (state->Efer & ControlBits.EferNoExecute) != 0;
        bool isReserved = HasReservedAddress(state, entry)
            || ((entry & NoExecute) != 0 && !noExecuteEnabled)
            || ((entry & Large) != 0 && !MayBeLarge(state, level))
            || IsReservedByAmd(state, entry, level);
        path->NoExecute |= (entry & NoExecute) != 0;
        return !isReserved || Reserved(state, path);
    }

    /// <summary>AMD reserves the place of the G bit in entries above page directories that lead to a table. Source:
    /// Linux v6.19 arch/x86/kvm/mmu/mmu.c:__reset_rsvds_bits_mask.</summary>
    private static bool IsReservedByAmd(CpuState* state, ulong entry, int level) =>
        level >= 3 && (entry & (Global | Large)) == Global && (state->Features & GuestFeature.IsAmd) != 0;

    private static bool MayBeLarge(CpuState* state, int level) =>
        level <= 2 || (level == 3 && (state->Features & GuestFeature.Pages1G) != 0);

    private static bool Enter(CpuState* state, WalkPath* path, ulong address, ulong entry)
    {
        if ((entry & Present) == 0)
        {
            return Fault(state, path, 0);
        }

        path->Entries[path->Depth] = address;
        path->Depth++;
        path->Rights &= entry;
        return true;
    }

    private static bool Permits(CpuState* state, WalkPath* path)
    {
        bool userPage = (path->Rights & User) != 0;
        bool writable = (path->Rights & Writable) != 0;
        bool allowed = path->User
            ? userPage && (writable || path->Access != AccessKind.Write)
            : SupervisorMay(state, path, userPage, writable);
        if (path->Access == AccessKind.Fetch && path->NoExecute)
        {
            allowed = false;
        }

        return allowed || Fault(state, path, FaultPresent);
    }

    private static bool SupervisorMay(CpuState* state, WalkPath* path, bool userPage, bool writable)
    {
        if (path->Access == AccessKind.Fetch)
        {
            return !userPage || (state->Cr4 & ControlBits.Cr4SupervisorExecutionPrevention) == 0;
        }

        // An implicit supervisor access at CPL 3 (descriptor tables) does not look at AC. Source: SDM vol. 3A, 5.6.1.
        bool acAllows = state->Cpl < 3 && (state->SystemFlags & RFlags.AlignmentCheck) != 0;
        if (userPage && (state->Cr4 & ControlBits.Cr4SupervisorAccessPrevention) != 0 && !acAllows)
        {
            return false;
        }

        return path->Access == AccessKind.Read || writable || (state->Cr0 & ControlBits.Cr0WriteProtect) == 0;
    }

    private static void MarkUsed(CpuState* state, WalkPath* path)
    {
        if (path->HasPointer)
        {
            PhysicalMemory.MarkTable(state, path->Pointer);
        }

        for (int depth = 0; depth < path->Depth; depth++)
        {
            ulong address = path->Entries[depth];
            bool isLeaf = depth == path->Depth - 1;
            uint bits = (uint)(Accessed | (isLeaf && path->Access == AccessKind.Write ? Dirty : 0));
            PhysicalMemory.SetEntryBits(state, address, sizeof(uint), bits);
            PhysicalMemory.MarkTable(state, address);
        }
    }

    private static bool Reserved(CpuState* state, WalkPath* path) =>
        Fault(state, path, FaultPresent | FaultReserved);

    private static bool Fault(CpuState* state, WalkPath* path, uint cause)
    {
        bool fetchIsReported = (state->Cr4 & ControlBits.Cr4SupervisorExecutionPrevention) != 0
            || ((state->Cr4 & ControlBits.Cr4PhysicalAddressExtension) != 0
                && (state->Efer & ControlBits.EferNoExecute) != 0);
        uint access = path->Access switch
        {
            AccessKind.Write => FaultWrite,
            AccessKind.Fetch when fetchIsReported => FaultFetch,
            _ => 0,
        };
        state->Fault.Vector = PageFaultVector;
        state->Fault.HasErrorCode = true;
        state->Fault.ErrorCode = cause | access | (path->User ? FaultUser : 0);
        state->Fault.Address = path->Linear;
        return false;
    }

    /// <summary>One walk: what is asked, and what the entries said so far.</summary>
    private struct WalkPath
    {
        public ulong Linear;
        public ulong Frame;
        public ulong Rights;
        public int Depth;
        public int LeafShift;
        public AccessKind Access;
        public bool User;
        public bool NoExecute;

        /// <summary>PAE paging: <see cref="Pointer"/> is where the PDPTE was, which has no accessed bit.</summary>
        public bool HasPointer;
        public ulong Pointer;
        public fixed ulong Entries[LevelsMax];
    }
}
