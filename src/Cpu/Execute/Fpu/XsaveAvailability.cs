// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Cpuid.Vetting;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Fpu;

// JUSTIFICATION: see CpuState.
// SAFETY: touches only the state.

/// <summary>Whether the XSAVE instructions may run, and on which components.</summary>
/// <remarks>Source: Intel SDM vol. 1, sections 13.2, 13.3 and 13.5.</remarks>
internal static unsafe class XsaveAvailability
{
    /// <summary>IA32_XSS: no supervisor component is supported, so it is 0 and accepts nothing else.</summary>
    public const ulong Supervisor = 0;

    /// <summary>#UD if CR4.OSXSAVE is clear; #NM if CR0.TS is set.</summary>
    public static bool MaySave(CpuState* state)
    {
        if (!IsOn(state))
        {
            return false;
        }

        if ((state->Cr0 & ControlBits.Cr0TaskSwitched) == 0)
        {
            return true;
        }

        Faults.Raise(state, Faults.DeviceNotAvailable);
        return false;
    }

    /// <summary>#UD if CR4.OSXSAVE is clear.</summary>
    public static bool IsOn(CpuState* state)
    {
        if ((state->Cr4 & ControlBits.Cr4XSave) != 0)
        {
            return true;
        }

        Faults.Undefined(state);
        return false;
    }

    /// <summary>What XCR0 can have: what the guest's CPUID.0DH offers, of what the engine keeps.</summary>
    public static ulong Supported(CpuState* state) =>
        CpuidXsave.Components(VcpuEngine.Of(state).Cpuid) & EngineFeatures.Current.Xcr0;

    /// <summary>The components an instruction asks for, in EDX:EAX.</summary>
    public static ulong Requested(CpuState* state, ulong enabled) =>
        ((state->Rdx << 32) | (uint)state->Rax) & enabled;

    /// <summary>True if the guest knows the compacted format.</summary>
    public static bool HasCompacted(CpuState* state) =>
        (state->Features & (GuestFeature.XsaveCompacted | GuestFeature.XsaveSupervisor)) != 0;
}
