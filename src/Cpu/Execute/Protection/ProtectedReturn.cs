// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Execute.Operands;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Protection;

// JUSTIFICATION: see CpuState.
// SAFETY: guest memory is reached through StackAccess and PrivilegedMemory only.

/// <summary>The return to a code segment of the same or an outer privilege.</summary>
/// <remarks>Source: Intel SDM vol. 2, "RET", RETURN-TO-OUTER-PRIVILEGE-LEVEL, and "IRET". False with the fault recorded
/// and nothing changed.</remarks>
internal static unsafe class ProtectedReturn
{
    /// <summary>True in 64-bit mode, where IRET pops SS:RSP always.</summary>
    public static bool IsFrom64(CpuState* state) => state->Mode == CpuMode.Long64;

    public static bool TryReturn(CpuState* state, in ReturnFrame frame, bool alwaysPopsStack)
    {
        if (!TryReadCode(state, frame, out Descriptor code))
        {
            return false;
        }

        int privilege = frame.Selector & DescriptorTables.RplMask;
        bool changesPrivilege = privilege > state->Cpl;
        ulong newRsp = StackAccess.Moved(state, frame.PoppedBytes + frame.ReleasedBytes);
        SegmentCache newStack = *CpuState.Segment(state, SegmentName.Ss);
        if ((changesPrivilege || alwaysPopsStack)
            && !TryReadStack(state, frame, code, privilege, out newStack, out newRsp))
        {
            return false;
        }

        if (!DescriptorTables.SetTypeBits(state, frame.Selector, code, SegmentCache.Accessed))
        {
            return false;
        }

        *CpuState.Segment(state, SegmentName.Ss) = newStack;
        state->Rsp = newRsp;
        state->Rip = frame.Rip;
        SegmentLoading.CommitCode(state, frame.Selector, code, privilege);
        if (changesPrivilege)
        {
            SegmentLoading.ClearInnerData(state);
        }

        return true;
    }

    private static bool TryReadCode(CpuState* state, in ReturnFrame frame, out Descriptor code)
    {
        code = default;
        ushort selector = frame.Selector;
        if (DescriptorTables.IsNull(selector))
        {
            return Fault(state, Faults.GeneralProtection, errorCode: 0);
        }

        if (!DescriptorTables.TryRead(state, selector, Faults.GeneralProtection, external: 0, out code))
        {
            return false;
        }

        int privilege = selector & DescriptorTables.RplMask;
        uint error = selector & (uint)DescriptorTables.ErrorMask;
        bool isPermitted = privilege >= state->Cpl
            && (code.IsConforming ? code.Dpl <= privilege : code.Dpl == privilege);
        bool isLongAndBig = ModeControl.IsLongActive(state) && code.IsLong && code.IsBig;
        if (!code.IsCode || !isPermitted || isLongAndBig)
        {
            return Fault(state, Faults.GeneralProtection, error);
        }

        if (!code.IsPresent)
        {
            return Fault(state, Faults.SegmentNotPresent, error);
        }

        return FarTransfer.IsReachable(state, code, frame.Rip)
            || Fault(state, Faults.GeneralProtection, errorCode: 0);
    }

    private static bool TryReadStack(
        CpuState* state,
        in ReturnFrame frame,
        in Descriptor code,
        int privilege,
        out SegmentCache segment,
        out ulong rsp)
    {
        segment = default;
        int offset = frame.PoppedBytes + frame.ReleasedBytes;
        if (!StackAccess.TryPeek(state, offset, frame.SlotBytes, out rsp)
            || !StackAccess.TryPeek(state, offset + frame.SlotBytes, frame.SlotBytes, out ulong selectorValue))
        {
            return false;
        }

        bool isTo64 = ModeControl.IsLongActive(state) && code.IsLong;
        if (!TryReadStackSegment(state, (ushort)selectorValue, privilege, isTo64, out segment))
        {
            return false;
        }

        // A 16-bit stack takes 16 bits of ESP and leaves the rest.
        bool is16 = !isTo64 && (segment.Attributes & SegmentCache.Big) == 0;
        rsp = is16 ? (state->Rsp & ~(ulong)ushort.MaxValue) | (ushort)rsp : rsp;
        rsp += (ulong)frame.ReleasedBytes;
        rsp = isTo64 ? rsp : (uint)rsp;
        return true;
    }

    private static bool TryReadStackSegment(
        CpuState* state, ushort selector, int privilege, bool isTo64, out SegmentCache segment)
    {
        segment = default;
        if (DescriptorTables.IsNull(selector))
        {
            bool isAllowed = isTo64 && privilege < 3 && (selector & DescriptorTables.RplMask) == privilege;
            segment = SegmentLoading.NullStack(privilege);
            return isAllowed || Fault(state, Faults.GeneralProtection, errorCode: 0);
        }

        if (!DescriptorTables.TryRead(
            state, selector, Faults.GeneralProtection, external: 0, out Descriptor descriptor))
        {
            return false;
        }

        uint error = selector & (uint)DescriptorTables.ErrorMask;
        bool isRightPrivilege = (selector & DescriptorTables.RplMask) == privilege && descriptor.Dpl == privilege;
        if (!isRightPrivilege || !descriptor.IsWritableData)
        {
            return Fault(state, Faults.GeneralProtection, error);
        }

        if (!descriptor.IsPresent)
        {
            return Fault(state, Faults.StackFault, error);
        }

        segment = descriptor.ToCache(selector);
        segment.Attributes |= SegmentCache.Accessed;
        return DescriptorTables.SetTypeBits(state, selector, descriptor, SegmentCache.Accessed);
    }

    private static bool Fault(CpuState* state, byte vector, uint errorCode)
    {
        Faults.Record(state, vector, errorCode);
        return false;
    }
}
