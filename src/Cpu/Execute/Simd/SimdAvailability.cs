// SPDX-License-Identifier: Apache-2.0

using System.Runtime.CompilerServices;
using KvmActors.Cpu.Decode;
using KvmActors.Cpu.Execute.Fpu;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Simd;

// JUSTIFICATION: see CpuState.
// SAFETY: reads fields of the state and of its FXSAVE image.

/// <summary>Whether SSE and MMX instructions may run now, and what they are otherwise.</summary>
/// <remarks>Source: Intel SDM vol. 3A, section 14.1 "Providing Operating System Support for SSE Extensions", table
/// 14-1;
/// section 13.1 "Emulation of the MMX Instruction Set"; vol. 2A, section 2.4 on exception classes.</remarks>
internal static unsafe class SimdAvailability
{
    private const ulong Off = ControlBits.Cr0Emulation | ControlBits.Cr0TaskSwitched;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool HasSse(CpuState* state) =>
        ((state->Cr0 & Off) | (~state->Cr4 & ControlBits.Cr4FxSave)) == 0;

    /// <summary>What an SSE instruction is when <see cref="HasSse"/> says no: #UD or #NM.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static Outcome RefuseSse(CpuState* state)
    {
        bool isUndefined = (state->Cr0 & ControlBits.Cr0Emulation) != 0 || (state->Cr4 & ControlBits.Cr4FxSave) == 0;
        return isUndefined ? Faults.Undefined(state) : Faults.Raise(state, Faults.DeviceNotAvailable);
    }

    /// <summary>MMX instructions, and those of SSE that use MMX registers and none of SSE's.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool HasMmx(CpuState* state) =>
        (state->Cr0 & Off) == 0
        && ((FpuImage.Status(state) & FpuStatus.ErrorSummary) == 0
            || (state->Cr0 & ControlBits.Cr0NumericError) == 0);

    /// <summary>What an MMX instruction is when <see cref="HasMmx"/> says no: #UD, #NM or #MF.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static Outcome RefuseMmx(CpuState* state) =>
        (state->Cr0 & ControlBits.Cr0Emulation) != 0 ? Faults.Undefined(state)
        : (state->Cr0 & ControlBits.Cr0TaskSwitched) != 0 ? Faults.Raise(state, Faults.DeviceNotAvailable)
        : Faults.Raise(state, Faults.MathFault);

    /// <summary>Instructions with registers of both kinds.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool HasBoth(CpuState* state) => HasSse(state) && HasMmx(state);

    public static Outcome RefuseBoth(CpuState* state) => HasSse(state) ? RefuseMmx(state) : RefuseSse(state);
}
