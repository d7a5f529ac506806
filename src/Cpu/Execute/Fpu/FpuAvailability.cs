// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Fpu;

// JUSTIFICATION: see CpuState.
// SAFETY: touches only the state.

/// <summary>Whether x87, MMX and SSE instructions may run at all.</summary>
/// <remarks>An exception that is reported with CR0.NE clear is ignored, as with IGNNE# asserted: there is no FERR# pin
/// and no IRQ 13. Source: Intel SDM vol. 3A, section 2.5, table 13-1 and table 15-1; vol. 1, section 8.7.</remarks>
internal static unsafe class FpuAvailability
{
    /// <summary>#NM if CR0.EM or CR0.TS is set: x87 instructions, FXSAVE and FXRSTOR.</summary>
    public static bool IsThere(CpuState* state)
    {
        const ulong Off = ControlBits.Cr0Emulation | ControlBits.Cr0TaskSwitched;
        return (state->Cr0 & Off) == 0 || Raised(state, Faults.DeviceNotAvailable);
    }

    /// <summary>#NM if x87 is not there, #MF if an exception waits.</summary>
    public static bool MayWait(CpuState* state) => IsThere(state) && !HasPending(state);

    /// <summary>True, with #MF raised, if an exception waits and CR0.NE is set.</summary>
    public static bool HasPending(CpuState* state)
    {
        bool isPending = (FpuImage.Status(state) & FpuStatus.ErrorSummary) != 0
            && (state->Cr0 & ControlBits.Cr0NumericError) != 0;
        return isPending && !Raised(state, Faults.MathFault);
    }

    private static bool Raised(CpuState* state, byte vector)
    {
        Faults.Raise(state, vector);
        return false;
    }
}
