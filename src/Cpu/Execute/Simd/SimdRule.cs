// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Decode;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Simd;

// JUSTIFICATION: see Uop.
// SAFETY: holds pointers to static methods, which are never unloaded.

/// <summary>How one instruction form of MMX or SSE is executed.</summary>
/// <remarks>A form fetches operands and stores results; the kernel it is given computes. Its pointer is in
/// <see cref="Uop.Immediate"/>, the instruction's immediate in <see cref="Uop.Detail"/>.</remarks>
internal unsafe struct SimdRule
{
    /// <summary>With registers only; null if the code is not of MMX or SSE.</summary>
    public delegate* managed<CpuState*, Uop*, Outcome> Form;

    public void* Kernel;

    /// <summary>With a memory operand.</summary>
    public delegate* managed<CpuState*, Uop*, Outcome> MemoryForm;

    public void* MemoryKernel;

    /// <summary>Features without which the instruction is #UD.</summary>
    public GuestFeature Requires;

    /// <summary>log2 of the bytes of the memory operand.</summary>
    public byte SizeLog;

    /// <summary>True if the memory operand has to be aligned to its 16 bytes.</summary>
    public bool IsAligned;
}
