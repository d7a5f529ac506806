// SPDX-License-Identifier: Apache-2.0

using System.Runtime.InteropServices;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Decode;

// JUSTIFICATION: see BlockCache.
// SAFETY: a description of memory; BlockCache allocates it and its pointers lead to memory of the same cache.

/// <summary>A straight run of decoded instructions. Its micro-operations follow it in memory, the last of which leaves
/// the block.</summary>
/// <remarks>A block lies in one page, but for a block of a single instruction, which may reach into the next. Blocks
/// are never freed one by one: an invalidated block keeps its memory, gets a <see cref="Rip"/> that no look-up asks
/// for, and all its micro-operations become <c>Leave</c>.</remarks>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct Block
{
    /// <summary>What <see cref="Rip"/> becomes when the block is invalid: not canonical, and above any 32-bit EIP.
    /// </summary>
    public const ulong InvalidRip = 0xDEAD_0000_0000_0000;

    public const int NoPage = -1;

    /// <summary>The entry cost of an invalid block: more than any budget.</summary>
    public const long NoEntry = long.MaxValue;

    /// <summary>RIP of the first instruction, or <see cref="InvalidRip"/>.</summary>
    public ulong Rip;

    /// <summary>RIP of the last byte, to compare with the limit of CS.</summary>
    public ulong LastByte;

    /// <summary>Instructions in the block.</summary>
    public int Count;

    /// <summary>What entering the block takes from the budget: <see cref="Count"/>, or <see cref="NoEntry"/>.</summary>
    public long EntryCost;

    public CpuMode Mode;

    /// <summary>The first instruction's micro-operation.</summary>
    public Uop* First;

    /// <summary>The micro-operation that entering the block begins with: <see cref="First"/>, or the one before it,
    /// which a tier has put there.</summary>
    public Uop* Entry;

    /// <summary>Host code of the block, for a tier that makes some, or null. It charges the block itself.</summary>
    public byte* HostCode;

    /// <summary>Where such a tier keeps what has been made to lead to <see cref="HostCode"/>.</summary>
    public void* HostLinks;

    /// <summary>The block a taken direct jump leads to, if it is in the same page and known.</summary>
    public Block* Taken;

    /// <summary>The block behind this one, if it is in the same page and known.</summary>
    public Block* Fallthrough;

    /// <summary>RIP as it was when decoded; stays when the block becomes invalid.</summary>
    public ulong Start;

    /// <summary>Physical address of the first byte.</summary>
    public ulong Physical;

    /// <summary>Physical page of the first byte.</summary>
    public int Page;

    /// <summary>Physical page of the last byte if that is another one, else <see cref="NoPage"/>.</summary>
    public int SecondPage;

    /// <summary>Not 0: a debugger has a breakpoint at the first instruction, and <see cref="EntryCost"/> is
    /// <see cref="NoEntry"/>.</summary>
    public int HasBreakpoint;

    /// <summary>Bytes in the block.</summary>
    public int Bytes;

    /// <summary>Next block in the same hash bucket.</summary>
    public Block* NextInBucket;

    /// <summary>Next block in the list of <see cref="Page"/>.</summary>
    public Block* NextInPage;

    /// <summary>Next block in the list of <see cref="SecondPage"/>.</summary>
    public Block* NextInSecondPage;

    public readonly bool IsValid => Rip != InvalidRip;
}
