// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Execute.Protection;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Delivery;

// JUSTIFICATION: see CpuState.
// SAFETY: guest memory is reached through PrivilegedMemory only.

/// <summary>Delivery through 8-byte interrupt and trap gates, with a change to an inner stack where needed.</summary>
/// <remarks>Source: Intel SDM vol. 3A, section 7.12.1 "Exception- or Interrupt-Handler Procedures"; from virtual-8086
/// mode: section 22.3.1.1.</remarks>
internal static unsafe class ProtectedModeDelivery
{
    public static bool TryDeliver(CpuState* state, in GuestEvent guestEvent)
    {
        if (!GateTarget.TryRead(
            state, guestEvent, out Descriptor gate, out Descriptor code, out int privilege))
        {
            return false;
        }

        int slotBytes = gate.Type is SystemSegmentType.InterruptGate32 or SystemSegmentType.TrapGate32 ? 4 : 2;
        ulong offset = slotBytes == 4 ? gate.GateOffset : (ushort)gate.GateOffset;
        uint external = guestEvent.External;
        if (offset > code.Limit)
        {
            Faults.Record(state, Faults.GeneralProtection, external);
            return false;
        }

        SegmentCache stackSegment = *CpuState.Segment(state, SegmentName.Ss);
        ulong pointer = state->Rsp;
        bool changesPrivilege = privilege != state->Cpl;
        if (changesPrivilege
            && !InnerStack.TryLoad(state, privilege, external, out stackSegment, out pointer))
        {
            return false;
        }

        uint faultCode = changesPrivilege
            ? (stackSegment.Selector & (uint)DescriptorTables.ErrorMask) | external
            : external;
        PushedStack stack = new(state, stackSegment, pointer, user: privilege == 3, isFlat: false, faultCode);
        if (!TryPush(state, guestEvent, slotBytes, changesPrivilege, ref stack)
            || !DescriptorTables.SetTypeBits(state, gate.GateSelector, code, SegmentCache.Accessed))
        {
            return false;
        }

        Commit(state, gate, code, privilege, stackSegment, stack.Pointer, offset);
        return true;
    }

    private static bool TryPush(
        CpuState* state, in GuestEvent guestEvent, int slotBytes, bool changesPrivilege, ref PushedStack stack)
    {
        bool leavesVirtual8086 = (state->SystemFlags & RFlags.Virtual8086) != 0;
        if (leavesVirtual8086
            && !(stack.Push(CpuState.Segment(state, SegmentName.Gs)->Selector, slotBytes)
                && stack.Push(CpuState.Segment(state, SegmentName.Fs)->Selector, slotBytes)
                && stack.Push(CpuState.Segment(state, SegmentName.Ds)->Selector, slotBytes)
                && stack.Push(CpuState.Segment(state, SegmentName.Es)->Selector, slotBytes)))
        {
            return false;
        }

        if (changesPrivilege
            && !(stack.Push(CpuState.Segment(state, SegmentName.Ss)->Selector, slotBytes)
                && stack.Push(state->Rsp, slotBytes)))
        {
            return false;
        }

        return stack.Push(guestEvent.Flags, slotBytes)
            && stack.Push(CpuState.Segment(state, SegmentName.Cs)->Selector, slotBytes)
            && stack.Push(guestEvent.ReturnRip, slotBytes)
            && (!guestEvent.HasErrorCode || stack.Push(guestEvent.ErrorCode, slotBytes));
    }

    private static void Commit(
        CpuState* state,
        in Descriptor gate,
        in Descriptor code,
        int privilege,
        in SegmentCache stackSegment,
        ulong pointer,
        ulong offset)
    {
        if ((state->SystemFlags & RFlags.Virtual8086) != 0)
        {
            SegmentLoading.ClearData(state);
        }

        *CpuState.Segment(state, SegmentName.Ss) = stackSegment;
        state->Rsp = pointer;
        state->Rip = offset;
        SegmentLoading.CommitCode(state, gate.GateSelector, code, privilege);
        EventFlags.Enter(state, gate.Type);
    }
}
