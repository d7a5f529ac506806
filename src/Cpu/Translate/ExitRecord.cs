// SPDX-License-Identifier: Apache-2.0

using System.Runtime.InteropServices;
using KvmActors.Cpu.Decode;

namespace KvmActors.Cpu.Translate;

// JUSTIFICATION: lies beside the host code that hands out its address, so that an exit costs no look-up.
// SAFETY: written through the writable view while its block is translated, read through either; both live as long as
// the block.

/// <summary>A place where host code can be left. Its stub, of <see cref="StubBytes"/> bytes, lies right before it.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = SizeBytes)]
internal unsafe struct ExitRecord
{
    /// <summary>LEA of the record, JMP to the common way out.</summary>
    public const int StubBytes = 7 + 5;
    public const int TargetOffset = 8;

    private const int SizeBytes = 32;

    [FieldOffset(0)]
    public Block* Block;

    /// <summary>Edge and Leave: RIP of the next instruction. Step: the executable address to come back to once the
    /// access can be done.</summary>
    [FieldOffset(TargetOffset)]
    public ulong Target;

    /// <summary>Edge: the next record whose jump leads to the same block, in the writable view.</summary>
    [FieldOffset(16)]
    public ExitRecord* NextLink;

    /// <summary>Step: where host code goes on once the interpreter has executed the instruction, or null if it does
    /// not.</summary>
    [FieldOffset(16)]
    public byte* Resume;

    /// <summary>Edge: where the jump's distance is, relative to this record.</summary>
    [FieldOffset(24)]
    public int Jump;

    [FieldOffset(28)]
    public ExitKind Kind;

    /// <summary>Step: number of the instruction in its block.</summary>
    [FieldOffset(29)]
    public byte Index;

    /// <summary>Step: bytes of the access that missed the TLB, or 0 if it was something else.</summary>
    [FieldOffset(30)]
    public byte AccessBytes;

    [FieldOffset(31)]
    public ExitFlags Flags;

    /// <summary>Step: the access is a store. Edge: the jump was taken.</summary>
    public readonly bool IsChosen => (Flags & ExitFlags.IsChosen) != 0;

    /// <summary>Step: the host's XMM registers are the guest's.</summary>
    public readonly bool HasSimd => (Flags & ExitFlags.HasSimd) != 0;
}
