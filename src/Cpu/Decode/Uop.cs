// SPDX-License-Identifier: Apache-2.0

using System.Runtime.InteropServices;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Decode;

// JUSTIFICATION: see BlockCache.
// SAFETY: a description of memory; the decoder fills every field before a handler sees it.

/// <summary>A micro-operation: one decoded instruction, with everything its handler needs resolved.</summary>
/// <remarks>Registers are byte offsets into <see cref="CpuState"/>, so that AH is simply offset 1.</remarks>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct Uop
{
    /// <summary>Executes the instruction and returns the micro-operation to go on with, or null: the block is left, and
    /// the state says where and why.</summary>
    public delegate* managed<CpuState*, Uop*, Uop*> Handler;

    /// <summary>For handlers that serve many instructions: what to do in particular.</summary>
    public delegate* managed<CpuState*, Uop*, Outcome> Operation;

    /// <summary>Immediate operand, sign-extended to 64 bits; target of a direct branch.</summary>
    public ulong Immediate;

    /// <summary>Displacement of the memory operand; RIP-relative ones have RIP added.</summary>
    public ulong Displacement;

    /// <summary>First operand if it is a register.</summary>
    public byte Destination;

    /// <summary>Second operand if it is a register.</summary>
    public byte Source;

    /// <summary>Third operand if it is a register.</summary>
    public byte Third;

    public byte BaseRegister;

    public byte IndexRegister;

    /// <summary>Left shift of the index.</summary>
    public byte ScaleShift;

    /// <summary>How the memory operand's linear address is formed: see <see cref="AddressForm"/>.</summary>
    public AddressForm Form;

    public SegmentName Segment;

    /// <summary>log2 of the operand size in bytes.</summary>
    public byte SizeLog;

    public OperandKind DestinationKind;

    public OperandKind SourceKind;

    public OperandKind ThirdKind;

    /// <summary>Address size in bits: 16, 32 or 64.</summary>
    public byte AddressBits;

    /// <summary>RIP of the instruction minus RIP of the block.</summary>
    public ushort RipOffset;

    /// <summary>Number of the instruction in its block.</summary>
    public byte Ordinal;

    /// <summary>Bytes of the instruction.</summary>
    public byte Length;

    /// <summary>Prefixes that matter: see <see cref="UopFlags"/>.</summary>
    public UopFlags Flags;

    /// <summary>A number whose meaning the operation defines: condition, vector, register number.</summary>
    public byte Detail;
}
