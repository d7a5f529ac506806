// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Execute.Fpu;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Simd;

// JUSTIFICATION: see CpuState.
// SAFETY: register numbers are cut to 0 to 7, so that every access is inside of the FXSAVE image.

/// <summary>The MMX registers: the significands of the x87 registers, by their physical number.</summary>
/// <remarks>The FXSAVE image holds x87 registers by their place in the stack, so that what is at a place changes when
/// TOP does. Source: Intel SDM vol. 3A, section 13.2 "The MMX State and MMX Register Aliasing", table 13-1.</remarks>
internal static unsafe class MmxRegisters
{
    private const int StackOffset = 32;
    private const int RegisterBytes = 16;
    private const int NumberMask = 7;
    private const int ExponentOffset = 8;
    private const ushort ExponentWritten = 0xFFFF;

    /// <summary>The value of a register, by its offset in a micro-operation.</summary>
    public static ulong Read(CpuState* state, byte offset)
    {
        int place = ((offset / RegisterBytes) - FpuImage.Top(state)) & NumberMask;
        return *(ulong*)(CpuState.FxSave(state) + StackOffset + (place * RegisterBytes));
    }

    /// <summary>Writes a register, after <see cref="Enter"/>.</summary>
    public static void Write(CpuState* state, byte offset, ulong value)
    {
        byte* register = CpuState.FxSave(state) + StackOffset + (offset & (NumberMask * RegisterBytes));
        *(ulong*)register = value;
        *(ushort*)(register + ExponentOffset) = ExponentWritten;
    }

    /// <summary>What every MMX instruction does to x87. To be called when nothing can fault any more.</summary>
    public static void Enter(CpuState* state) => FpuImage.EnterMmx(state);

    /// <summary>EMMS: TOP becomes 0 and all registers empty.</summary>
    public static void Leave(CpuState* state)
    {
        FpuImage.EnterMmx(state);
        FpuImage.Tags(state) = 0;
    }
}
