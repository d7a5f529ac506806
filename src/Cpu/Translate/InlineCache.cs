// SPDX-License-Identifier: Apache-2.0

using System.Runtime.InteropServices;
using KvmActors.Cpu.Decode;

namespace KvmActors.Cpu.Translate;

// JUSTIFICATION: read and written by host code at each jump that leaves a page.
// SAFETY: lies in memory that host code may write and that lives as long as the host code; what it says holds for any
// user, so that an old pointer to it does no harm.

/// <summary>Where an address leads, as one place in host code has found out: the inline cache of a jump, or of the
/// return from a call.</summary>
/// <remarks>Source: Deutsch and Schiffman, "Efficient Implementation of the Smalltalk-80 System", POPL 1984.</remarks>
[StructLayout(LayoutKind.Explicit, Size = SizeBytes)]
internal unsafe struct InlineCache
{
    public const int SizeBytes = 32;
    public const int EpochOffset = 0;
    public const int RipOffset = 8;
    public const int HostCodeOffset = 16;

    /// <summary>No epoch: no tag is all ones.</summary>
    public const ulong NoEpoch = ulong.MaxValue;

    /// <summary>The <see cref="State.CpuState.JumpEpoch"/> in which the rest holds.</summary>
    [FieldOffset(EpochOffset)]
    public ulong Epoch;

    [FieldOffset(RipOffset)]
    public ulong Rip;

    /// <summary>As <see cref="Block.HostCode"/> of the block there.</summary>
    [FieldOffset(HostCodeOffset)]
    public byte* HostCode;
}
