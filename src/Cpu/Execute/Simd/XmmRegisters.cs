// SPDX-License-Identifier: Apache-2.0

using System.Runtime.CompilerServices;
using KvmActors.Cpu.Execute.Fpu;
using KvmActors.Cpu.State;
using Bytes = System.Runtime.Intrinsics.Vector128<byte>;

namespace KvmActors.Cpu.Execute.Simd;

// JUSTIFICATION: see CpuState.
// SAFETY: offsets come from the decoder, 16 times a register number of 0 to 15, and lie inside of the FXSAVE image,
// which
// is aligned to 16 bytes.

/// <summary>The XMM registers and MXCSR, where FXSAVE has them.</summary>
internal static unsafe class XmmRegisters
{
    private const int FileOffset = 160;

    /// <summary>A register by its offset in a micro-operation.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes* At(CpuState* state, byte offset) => (Bytes*)(CpuState.FxSave(state) + FileOffset + offset);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint* Mxcsr(CpuState* state) => (uint*)(CpuState.FxSave(state) + FxSaveLayout.MxcsrOffset);
}
