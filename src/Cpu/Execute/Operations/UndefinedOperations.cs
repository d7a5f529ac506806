// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.Decode;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Operations;

// JUSTIFICATION: see CpuState.
// SAFETY: touches only the exit reason and the fault fields.

/// <summary>Instructions that do not exist: for this processor, or for this engine.</summary>
/// <remarks>Source of the order of #UD and #NM: Intel SDM vol. 3A, table 15-1; vol. 1, table 8-9.</remarks>
internal static unsafe class UndefinedOperations
{
    /// <summary>#UD.</summary>
    public static Outcome Undefined(CpuState* state, Uop* uop) => Faults.Undefined(state);

    /// <summary>More than 15 bytes: #GP(0). Source: Intel SDM vol. 2A, section 2.3.11.</summary>
    public static Outcome TooLong(CpuState* state, Uop* uop) => Faults.GeneralProtectionFault(state);

    /// <summary>The decoder knows it and the engine does not. The mnemonic is in the immediate.</summary>
    public static Outcome Unknown(CpuState* state, Uop* uop)
    {
        VcpuEngine.Of(state).ExitText = $"The engine does not execute {(Mnemonic)uop->Immediate}.";
        state->Exit = ExitReason.EmulationFailure;
        return Outcome.NotRetired;
    }

    /// <summary>x87: #NM if CR0.EM or CR0.TS says so, else unknown.</summary>
    public static Outcome UnknownFloatingPoint(CpuState* state, Uop* uop)
    {
        bool isOff = (state->Cr0 & (ControlBits.Cr0Emulation | ControlBits.Cr0TaskSwitched)) != 0;
        return isOff ? Faults.Raise(state, Faults.DeviceNotAvailable) : Unknown(state, uop);
    }
}
