// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Execute.Protection;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Delivery;

// JUSTIFICATION: see CpuState.
// SAFETY: touches only the flags.

/// <summary>What entering a handler does to RFLAGS.</summary>
/// <remarks>Source: Intel SDM vol. 3A, section 7.12.1.3 "Flag Usage By Exception- or Interrupt-Handler Procedure".
/// </remarks>
internal static unsafe class EventFlags
{
    public static void Enter(CpuState* state, uint gateType)
    {
        bool isInterruptGate = gateType is SystemSegmentType.InterruptGate16 or SystemSegmentType.InterruptGate32;
        state->SystemFlags &= ~(RFlags.Trap | RFlags.NestedTask | RFlags.Resume | RFlags.Virtual8086
            | (isInterruptGate ? RFlags.Interrupt : 0));
        ModeControl.Refresh(state);
    }
}
