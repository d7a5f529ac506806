// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Execute.Protection;
using KvmActors.Cpu.Memory;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Delivery;

// JUSTIFICATION: see CpuState.
// SAFETY: guest memory is reached through PrivilegedMemory only.

/// <summary>Delivery through 16-byte gates, with the interrupt stack table.</summary>
/// <remarks>Source: Intel SDM vol. 3A, section 7.14 "Exception and Interrupt Handling in 64-bit Mode".</remarks>
internal static unsafe class LongModeDelivery
{
    private const int SlotBytes = 8;
    private const ulong StackAlignment = 15;

    public static bool TryDeliver(CpuState* state, in GuestEvent guestEvent)
    {
        if (!GateTarget.TryRead(
            state, guestEvent, out Descriptor gate, out Descriptor code, out int privilege))
        {
            return false;
        }

        uint external = guestEvent.External;
        if (!LinearMemory.IsCanonical(gate.GateOffset))
        {
            Faults.Record(state, Faults.GeneralProtection, external);
            return false;
        }

        bool changesPrivilege = privilege != state->Cpl;
        ulong pointer = state->Rsp;
        if ((changesPrivilege || gate.GateStackTable != 0)
            && !TaskState.TryReadStack64(state, privilege, gate.GateStackTable, external, out pointer))
        {
            return false;
        }

        return TryPush(state, guestEvent, pointer & ~StackAlignment, privilege, out ulong newPointer)
            && TryEnter(state, gate, code, privilege, newPointer);
    }

    private static bool TryPush(
        CpuState* state, in GuestEvent guestEvent, ulong pointer, int privilege, out ulong newPointer)
    {
        SegmentCache oldStack = *CpuState.Segment(state, SegmentName.Ss);
        PushedStack stack = new(
            state, oldStack, pointer, user: privilege == 3, isFlat: true, faultCode: guestEvent.External);
        bool pushed = stack.Push(oldStack.Selector, SlotBytes)
            && stack.Push(state->Rsp, SlotBytes)
            && stack.Push(guestEvent.Flags, SlotBytes)
            && stack.Push(CpuState.Segment(state, SegmentName.Cs)->Selector, SlotBytes)
            && stack.Push(guestEvent.ReturnRip, SlotBytes)
            && (!guestEvent.HasErrorCode || stack.Push(guestEvent.ErrorCode, SlotBytes));
        newPointer = stack.Pointer;
        return pushed;
    }

    private static bool TryEnter(
        CpuState* state, in Descriptor gate, in Descriptor code, int privilege, ulong newPointer)
    {
        if (!DescriptorTables.SetTypeBits(state, gate.GateSelector, code, SegmentCache.Accessed))
        {
            return false;
        }

        if (privilege != state->Cpl)
        {
            *CpuState.Segment(state, SegmentName.Ss) = SegmentLoading.NullStack(privilege);
        }

        state->Rsp = newPointer;
        state->Rip = gate.GateOffset;
        SegmentLoading.CommitCode(state, gate.GateSelector, code, privilege);
        EventFlags.Enter(state, gate.Type);
        return true;
    }
}
