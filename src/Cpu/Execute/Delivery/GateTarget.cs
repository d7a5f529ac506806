// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Execute.Protection;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Delivery;

// JUSTIFICATION: see CpuState.
// SAFETY: guest memory is reached through PrivilegedMemory only.

/// <summary>The checks of an IDT gate and of the code segment it leads to, which all protected modes share.</summary>
/// <remarks>Source: Intel SDM vol. 2A, "INT n/INTO/INT3/INT1", Operation. Every method records the fault it returns
/// false for.</remarks>
internal static unsafe class GateTarget
{
    /// <summary>Reads the gate and the code segment.</summary>
    /// <param name="privilege">The CPL of the handler.</param>
    public static bool TryRead(
        CpuState* state, in GuestEvent guestEvent, out Descriptor gate, out Descriptor code, out int privilege)
    {
        code = default;
        privilege = 0;
        uint external = guestEvent.External;
        if (!DescriptorTables.TryReadGate(state, guestEvent.Vector, external, out gate))
        {
            return false;
        }

        uint gateError = DescriptorTables.GateError(guestEvent.Vector, external);
        bool isSoftware = guestEvent.Kind == EventKind.Software;
        if (!IsUsableType(state, gate) || (isSoftware && gate.Dpl < state->Cpl))
        {
            return Fault(state, Faults.GeneralProtection, gateError);
        }

        if (!gate.IsPresent)
        {
            return Fault(state, Faults.SegmentNotPresent, gateError);
        }

        return gate.Type == SystemSegmentType.TaskGate
            ? TaskGate(state)
            : TryReadCode(state, gate.GateSelector, external, out code, out privilege);
    }

    private static bool IsUsableType(CpuState* state, in Descriptor gate)
    {
        if (!gate.IsSystem)
        {
            return false;
        }

        bool isLong = ModeControl.IsLongActive(state);
        return gate.Type switch
        {
            SystemSegmentType.InterruptGate32 or SystemSegmentType.TrapGate32 => true,
            SystemSegmentType.InterruptGate16 or SystemSegmentType.TrapGate16
                or SystemSegmentType.TaskGate => !isLong,
            _ => false,
        };
    }

    private static bool TaskGate(CpuState* state)
    {
        VcpuEngine.Of(state).ExitText = "The engine does not switch tasks (task gate in the IDT).";
        state->Exit = ExitReason.EmulationFailure;
        return false;
    }

    private static bool TryReadCode(
        CpuState* state, ushort selector, uint external, out Descriptor code, out int privilege)
    {
        code = default;
        privilege = 0;
        if (DescriptorTables.IsNull(selector))
        {
            return Fault(state, Faults.GeneralProtection, external);
        }

        if (!DescriptorTables.TryRead(state, selector, Faults.GeneralProtection, external, out code))
        {
            return false;
        }

        uint error = (selector & (uint)DescriptorTables.ErrorMask) | external;
        bool isLong = ModeControl.IsLongActive(state);
        bool isWrongSize = isLong && (!code.IsLong || code.IsBig);
        if (!code.IsCode || code.Dpl > state->Cpl || isWrongSize)
        {
            return Fault(state, Faults.GeneralProtection, error);
        }

        if (!code.IsPresent)
        {
            return Fault(state, Faults.SegmentNotPresent, error);
        }

        privilege = code.IsConforming ? state->Cpl : code.Dpl;
        bool leavesVirtual8086 = (state->SystemFlags & RFlags.Virtual8086) != 0;
        return !leavesVirtual8086 || privilege == 0 || Fault(state, Faults.GeneralProtection, error);
    }

    private static bool Fault(CpuState* state, byte vector, uint errorCode)
    {
        Faults.Record(state, vector, errorCode);
        return false;
    }
}
