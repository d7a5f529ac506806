// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Execute.Protection;
using KvmActors.Cpu.Memory;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Delivery;

// JUSTIFICATION: see CpuState.
// SAFETY: guest memory is reached through PrivilegedMemory only.

/// <summary>Delivery through the interrupt vector table of real mode.</summary>
/// <remarks>Source: Intel SDM vol. 3A, section 22.1.4 "Interrupt and Exception Handling".</remarks>
internal static unsafe class RealModeDelivery
{
    private const int VectorBytes = 4;
    private const int WordBytes = 2;
    private const int SegmentShift = 4;

    public static bool TryDeliver(CpuState* state, in GuestEvent guestEvent)
    {
        uint offset = (uint)guestEvent.Vector * VectorBytes;
        if (offset + VectorBytes - 1 > state->IdtrLimit)
        {
            Faults.Record(state, Faults.GeneralProtection);
            return false;
        }

        if (!PrivilegedMemory.ReadAsSupervisor(state, state->IdtrBase + offset, VectorBytes, out ulong vector))
        {
            return false;
        }

        SegmentCache* code = CpuState.Segment(state, SegmentName.Cs);
        PushedStack stack = new(
            state, *CpuState.Segment(state, SegmentName.Ss), state->Rsp, user: false, isFlat: false, faultCode: 0);
        bool pushed = stack.Push(guestEvent.Flags, WordBytes)
            && stack.Push(code->Selector, WordBytes)
            && stack.Push(guestEvent.ReturnRip, WordBytes);
        if (!pushed)
        {
            return false;
        }

        state->Rsp = stack.Pointer;
        code->Selector = (ushort)(vector >> 16);
        code->Base = (ulong)code->Selector << SegmentShift;
        state->Rip = (ushort)vector;
        state->SystemFlags &=
            ~(RFlags.Interrupt | RFlags.Trap | RFlags.AlignmentCheck | RFlags.Resume);
        ModeControl.Refresh(state);
        return true;
    }
}
