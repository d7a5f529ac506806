// SPDX-License-Identifier: Apache-2.0

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using KvmActors.Cpu.Decode;
using KvmActors.Cpu.Memory;

namespace KvmActors.Cpu.State;

// JUSTIFICATION: one unmanaged block at a fixed address lets a handler reach registers, flags and TLB by constant
// offsets from one pointer, with no bounds check, no GC barrier and no pinning.
// SAFETY: allocated with SizeBytes by Vcpu and freed by it alone. Register indices come from the decoder (0 to 16), TLB
// indices are masked, so that every access stays inside the block.

/// <summary>The state of one vCPU as the engine works on it.</summary>
/// <remarks>Offsets below 256 are what every handler touches. The TLBs and the jump cache follow behind the structure,
/// in the same allocation, at <see cref="TlbOffset"/> and <see cref="JumpCacheOffset"/>.</remarks>
[StructLayout(LayoutKind.Explicit, Size = HeaderBytes)]
internal unsafe struct CpuState
{
    public const int GprCount = 16;
    public const int SegmentCount = 8;
    public const int DebugRegisterCount = 6;
    public const int FxSaveBytes = 512;

    /// <summary>Byte offset of a register that is always 0: the base or index of an operand that has none.</summary>
    public const int ZeroRegisterOffset = 128;

    public const int HeaderBytes = 4096;
    public const int TlbOffset = HeaderBytes;
    public const int JumpCacheOffset = TlbOffset + (Tlb.SetCount * Tlb.SetBytes);
    public const int SizeBytes = JumpCacheOffset + JumpCache.SizeBytes;

    // Arrays without a field: 8 segment registers, 6 debug registers, the MSRs of MsrSlots, the FXSAVE image.
    private const int SegmentsOffset = 312;
    private const int DebugRegistersOffset = 640;
    private const int MsrsOffset = 704;
    private const int FxSaveOffset = 1280;

    [FieldOffset(0)]
    public ulong Rax;

    [FieldOffset(8)]
    public ulong Rcx;

    [FieldOffset(16)]
    public ulong Rdx;

    [FieldOffset(24)]
    public ulong Rbx;

    [FieldOffset(32)]
    public ulong Rsp;

    [FieldOffset(40)]
    public ulong Rbp;

    [FieldOffset(48)]
    public ulong Rsi;

    [FieldOffset(56)]
    public ulong Rdi;

    [FieldOffset(88)]
    public ulong R11;

    [FieldOffset(ZeroRegisterOffset)]
    public ulong Zero;

    [FieldOffset(136)]
    public ulong Rip;

    /// <summary>Lazy flags: see <see cref="LazyFlags"/>.</summary>
    [FieldOffset(144)]
    public ulong FlagResult;

    [FieldOffset(152)]
    public ulong FlagCarries;

    [FieldOffset(160)]
    public int FlagShape;

    [FieldOffset(164)]
    public ExitReason Exit;

    /// <summary>Instructions that may still be charged. A block is charged whole on entry.</summary>
    [FieldOffset(168)]
    public long Budget;

    [FieldOffset(176)]
    public Block* CurrentBlock;

    /// <summary>The TLB set of the current privilege.</summary>
    [FieldOffset(184)]
    public byte* ActiveTlb;

    /// <summary>RFLAGS without the six status flags.</summary>
    [FieldOffset(192)]
    public ulong SystemFlags;

    /// <summary>What is added to RIP for a fetch: the base of CS, 0 in 64-bit mode.</summary>
    [FieldOffset(200)]
    public ulong CodeBase;

    /// <summary>Highest RIP a fetch may use: the limit of CS, all ones in 64-bit mode.</summary>
    [FieldOffset(1896)]
    public ulong CodeLimit;

    /// <summary>What sets apart jump-cache entries of different modes and privileges: see <see cref="JumpCache"/>.
    /// </summary>
    [FieldOffset(1904)]
    public ulong JumpTag;

    /// <summary>The top of the return stack of host code: see <see cref="Translate.ReturnStack"/>.</summary>
    [FieldOffset(208)]
    public byte* ReturnTop;

    /// <summary>Says for how long it is known where an address leads: see <see cref="JumpCache"/>.</summary>
    [FieldOffset(216)]
    public ulong JumpEpoch;

    [FieldOffset(224)]
    public int Cpl;

    [FieldOffset(228)]
    public CpuMode Mode;

    /// <summary>Not 0: instructions go one by one, because of the interrupt shadow, RFLAGS.TF, RFLAGS.RF or
    /// DR7.</summary>
    [FieldOffset(232)]
    public int SingleStep;

    /// <summary>What the last instruction holds off, as a <see cref="State.InterruptShadow"/>.</summary>
    [FieldOffset(236)]
    public int InterruptShadow;

    [FieldOffset(240)]
    public byte* Ram;

    /// <summary>The array of write entries in <see cref="ActiveTlb"/>.</summary>
    [FieldOffset(248)]
    public byte* ActiveWriteTlb;

    /// <summary>As <see cref="GuestMemory.End"/>.</summary>
    [FieldOffset(1888)]
    public ulong RamEnd;

    /// <summary>As <see cref="GuestMemory.LowEnd"/>.</summary>
    [FieldOffset(1840)]
    public ulong RamLowEnd;

    [FieldOffset(256)]
    public byte* PageFlags;

    /// <summary>A GCHandle to the vCPU's managed half.</summary>
    [FieldOffset(264)]
    public nint ManagedHalf;

    [FieldOffset(272)]
    public long BudgetAtEntry;

    [FieldOffset(280)]
    public ulong VmTimeAtEntry;

    /// <summary>Not 0: the TLB has pieces of large pages, which INVLPG cannot find one by one.</summary>
    [FieldOffset(636)]
    public int HasLargeTranslations;

    [FieldOffset(288)]
    public FaultInfo Fault;

    [FieldOffset(512)]
    public ulong GdtrBase;

    [FieldOffset(520)]
    public ulong IdtrBase;

    [FieldOffset(528)]
    public ushort GdtrLimit;

    [FieldOffset(530)]
    public ushort IdtrLimit;

    [FieldOffset(532)]
    public VcpuActivity Activity;

    [FieldOffset(536)]
    public ulong Cr0;

    [FieldOffset(544)]
    public ulong Cr2;

    [FieldOffset(552)]
    public ulong Cr3;

    [FieldOffset(560)]
    public ulong Cr4;

    /// <summary>Not 0: something may interrupt: see <see cref="Execute.Events.EventControl"/>.</summary>
    [FieldOffset(568)]
    public int EventsPending;

    /// <summary>Not 0: a timer may have been set, so whoever runs the vCPU has to ask for its deadline again.</summary>
    [FieldOffset(1800)]
    public int DeadlineChanged;

    /// <summary>Breakpoints met by the present instruction, or by a MOV SS right before it: bits as in DR6.</summary>
    [FieldOffset(1804)]
    public int DebugMatches;

    /// <summary>Not 0: DR7 enables a breakpoint for data.</summary>
    [FieldOffset(1808)]
    public int WatchesData;

    /// <summary>Not 0: the present instruction itself says whether a single-step trap follows it.</summary>
    [FieldOffset(1812)]
    public int IsTrapDecided;

    /// <summary>Where the numbers of RDRAND begin: see <see cref="RandomSequence"/>.</summary>
    [FieldOffset(1816)]
    public ulong RandomStart;

    [FieldOffset(1824)]
    public ulong RandomsDrawn;

    /// <summary>Not 0: a debugger watches data: see <see cref="Execute.Events.DebugControl"/>.</summary>
    [FieldOffset(1832)]
    public int HasWatchpoints;

    /// <summary>Not 0: the present instruction has met a watchpoint of a debugger.</summary>
    [FieldOffset(1836)]
    public int IsWatchMet;

    /// <summary>Not 0 while one instruction runs by itself: it may reach devices.</summary>
    [FieldOffset(572)]
    public int MayReachDevices;

    [FieldOffset(576)]
    public ulong Efer;

    [FieldOffset(584)]
    public ulong Xcr0;

    /// <summary>Bits of a physical address that exist: from CPUID.80000008H:EAX[7:0].</summary>
    [FieldOffset(592)]
    public ulong PhysicalAddressMask;

    /// <summary>Instructions retired before the current Run, and by completed port accesses.</summary>
    [FieldOffset(600)]
    public ulong RetiredBefore;

    /// <summary>Which TLB sets may have entries: a bit each.</summary>
    [FieldOffset(696)]
    public int FilledTlbSets;

    /// <summary>The port access that waits for its completion.</summary>
    [FieldOffset(608)]
    public PortAccess Port;

    /// <summary>The value of the last successful load, zero-extended.</summary>
    [FieldOffset(304)]
    public ulong Loaded;

    /// <summary>Where the block that runs next is to be linked, or null.</summary>
    [FieldOffset(504)]
    public Block** LinkSlot;

    /// <summary>What the guest's CPUID table offers, of what the engine can do.</summary>
    [FieldOffset(1792)]
    public GuestFeature Features;

    /// <summary>The status flags while host code runs that was made from guest code: see
    /// <see cref="Translate.FlagWord"/>.</summary>
    [FieldOffset(1848)]
    public ulong FlagWord;

    /// <summary>The linear address of an access that host code could not do itself.</summary>
    [FieldOffset(1856)]
    public ulong SlowAddress;

    /// <summary>What is shared by all host code made from guest code: see <see cref="Translate.TierData"/>.</summary>
    [FieldOffset(1864)]
    public void* TierData;

    /// <summary>What host code keeps while it has no register to spare.</summary>
    [FieldOffset(1872)]
    public ulong Kept;

    /// <summary>The inline cache of the last jump of host code whose target was not found, or null: see
    /// <see cref="Translate.InlineCache"/>.</summary>
    [FieldOffset(1912)]
    public byte* MissedCache;

    /// <summary>Not 0 while host registers hold the guest's XMM registers and MXCSR.</summary>
    [FieldOffset(1880)]
    public int HasSimdLoaded;

    /// <summary>The host's MXCSR meanwhile.</summary>
    [FieldOffset(1884)]
    public uint HostMxcsr;

    /// <summary>Accesses and fetches for which the TLB had no entry.</summary>
    [FieldOffset(2032)]
    public long TlbMisses;

    /// <summary>Page walks for those misses.</summary>
    [FieldOffset(2040)]
    public long PageWalks;

    /// <summary>What was entered in the TLB since it was last empty.</summary>
    [FieldOffset(2048)]
    public FillLog TlbFills;

    /// <summary>What was entered in the jump cache since it was last empty.</summary>
    [FieldOffset(2048 + FillLog.SizeBytes)]
    public FillLog JumpFills;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong* Gprs(CpuState* state) => (ulong*)state;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static SegmentCache* Segment(CpuState* state, SegmentName name) =>
        (SegmentCache*)((byte*)state + SegmentsOffset) + (int)name;

    public static ulong* DebugRegister(CpuState* state, int slot) =>
        (ulong*)((byte*)state + DebugRegistersOffset) + slot;

    public static ulong* Msr(CpuState* state, int slot) => (ulong*)((byte*)state + MsrsOffset) + slot;

    public static byte* FxSave(CpuState* state) => (byte*)state + FxSaveOffset;
}
