// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.Decode;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Operations;

// JUSTIFICATION: see CpuState.
// SAFETY: touches only the exit reason and the fault fields.

/// <summary>Instructions that do not exist: for this processor, or for this engine.</summary>
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

    public static ulong UnknownDetail(in Instruction instruction) => (ulong)instruction.Mnemonic;
}
