// SPDX-License-Identifier: Apache-2.0

using System.Runtime.InteropServices;
using KvmActors.Cpu.Decode;

namespace KvmActors.Cpu.Translate;

// JUSTIFICATION: lies beside the host code that hands out its address, so that an exit costs no look-up.
// SAFETY: written through the writable view while its block is translated, read through either; both live as long as
// the block.

/// <summary>A place where host code can be left. Its stub, of <see cref="StubBytes"/> bytes, lies right before it.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct ExitRecord
{
    /// <summary>LEA of the record, JMP to the common way out.</summary>
    public const int StubBytes = 7 + 5;
    public const int TargetOffset = 8;

    public Block* Block;

    /// <summary>Edge and Leave: RIP of the next instruction. Step: the executable address to come back to once the
    /// access can be done.</summary>
    public ulong Target;

    /// <summary>Edge: the next record whose jump leads to the same block, in the writable view.</summary>
    public ExitRecord* NextLink;

    /// <summary>Step: where host code goes on once the interpreter has executed the instruction, or null if it does
    /// not.</summary>
    public byte* Resume;

    /// <summary>Edge: where the jump's distance is, relative to this record.</summary>
    public int Jump;

    public ExitKind Kind;

    /// <summary>Step: number of the instruction in its block.</summary>
    public byte Index;

    /// <summary>Step: bytes of the access that missed the TLB, or 0 if it was something else.</summary>
    public byte AccessBytes;

    /// <summary>Step: not 0 where the host's XMM registers are the guest's.</summary>
    public byte HasSimd;

    /// <summary>Step: 1 for a store. Edge: 1 for a jump that was taken.</summary>
    public byte Choice;
}
