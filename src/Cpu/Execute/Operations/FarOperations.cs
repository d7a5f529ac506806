// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Decode;
using KvmActors.Cpu.Execute.Operands;
using KvmActors.Cpu.Execute.Protection;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Operations;

// JUSTIFICATION: see CpuState.
// SAFETY: memory is reached through FarPointer, PushedStack and PrivilegedMemory.

/// <summary>Far JMP and CALL.</summary>
/// <remarks>Source: Intel SDM vol. 2, "JMP—Jump", "CALL—Call Procedure".</remarks>
internal static unsafe class FarOperations
{
    private const int StackParametersMax = 31;

    public static Outcome JumpDirect(CpuState* state, Uop* uop) =>
        Jump(state, (ushort)(uop->Immediate >> 32), (uint)uop->Immediate);

    public static Outcome JumpIndirect(CpuState* state, Uop* uop) =>
        FarPointer.TryRead(state, uop, GeneralOperand.Bytes(uop), out ulong offset, out ushort selector)
            ? Jump(state, selector, offset)
            : Outcome.NotRetired;

    public static Outcome CallDirect(CpuState* state, Uop* uop) =>
        Call(state, uop, (ushort)(uop->Immediate >> 32), (uint)uop->Immediate);

    public static Outcome CallIndirect(CpuState* state, Uop* uop) =>
        FarPointer.TryRead(state, uop, GeneralOperand.Bytes(uop), out ulong offset, out ushort selector)
            ? Call(state, uop, selector, offset)
            : Outcome.NotRetired;

    private static Outcome Jump(CpuState* state, ushort selector, ulong offset)
    {
        if (!ModeControl.IsProtected(state))
        {
            if (offset > state->CodeLimit)
            {
                return Faults.GeneralProtectionFault(state);
            }

            state->Rip = offset;
            SegmentLoading.CommitRealCode(state, selector);
            return Outcome.Jumped;
        }

        return FarTransfer.TryResolve(state, selector, offset, isCall: false, out FarTransfer.Target target)
            && FarTransfer.TryCommit(state, target)
                ? Outcome.Jumped
                : Unresolved(state);
    }

    private static Outcome Call(CpuState* state, Uop* uop, ushort selector, ulong offset)
    {
        int slotBytes = GeneralOperand.Bytes(uop);
        ulong next = Leaving.NextRip(state, uop);
        SegmentCache stackSegment = *CpuState.Segment(state, SegmentName.Ss);
        bool isFlat = state->Mode == CpuMode.Long64;
        if (!ModeControl.IsProtected(state))
        {
            return CallReal(state, selector, offset, slotBytes, next);
        }

        if (!FarTransfer.TryResolve(state, selector, offset, isCall: true, out FarTransfer.Target target))
        {
            return Unresolved(state);
        }

        if (target.Gate is { } gate)
        {
            return CallGate(state, target, gate, next);
        }

        PushedStack stack = new(state, stackSegment, state->Rsp, state->Cpl == 3, isFlat, faultCode: 0);
        bool done = PushReturn(state, ref stack, next, slotBytes) && FarTransfer.TryCommit(state, target);
        if (!done)
        {
            return Faults.Raised(state);
        }

        state->Rsp = stack.Pointer;
        return Outcome.Jumped;
    }

    private static Outcome CallReal(CpuState* state, ushort selector, ulong offset, int slotBytes, ulong next)
    {
        PushedStack stack = new(
            state,
            *CpuState.Segment(state, SegmentName.Ss),
            state->Rsp,
            user: state->Cpl == 3,
            isFlat: false,
            faultCode: 0);
        if (!PushReturn(state, ref stack, next, slotBytes))
        {
            return Faults.Raised(state);
        }

        if (offset > state->CodeLimit)
        {
            return Faults.GeneralProtectionFault(state);
        }

        state->Rsp = stack.Pointer;
        state->Rip = offset;
        SegmentLoading.CommitRealCode(state, selector);
        return Outcome.Jumped;
    }

    private static bool PushReturn(CpuState* state, ref PushedStack stack, ulong next, int slotBytes) =>
        stack.Push(CpuState.Segment(state, SegmentName.Cs)->Selector, slotBytes) && stack.Push(next, slotBytes);

    private static Outcome CallGate(CpuState* state, in FarTransfer.Target target, in Descriptor gate, ulong next)
    {
        bool isLong = ModeControl.IsLongActive(state);
        int slotBytes = isLong ? 8 : gate.Type == SystemSegmentType.CallGate32 ? 4 : 2;
        bool changesPrivilege = target.Privilege != state->Cpl;
        SegmentCache segment = *CpuState.Segment(state, SegmentName.Ss);
        ulong pointer = state->Rsp;
        if (changesPrivilege && !TryLoadInner(state, target.Privilege, isLong, out segment, out pointer))
        {
            return Faults.Raised(state);
        }

        uint faultCode = changesPrivilege ? segment.Selector & (uint)DescriptorTables.ErrorMask : 0;
        PushedStack stack = new(state, segment, pointer, target.Privilege == 3, isLong, faultCode);
        bool pushed = !changesPrivilege || PushOuter(state, ref stack, slotBytes, isLong ? 0 : gate.GateParameters);
        if (!pushed || !PushReturn(state, ref stack, next, slotBytes) || !FarTransfer.TryCommit(state, target))
        {
            return Faults.Raised(state);
        }

        *CpuState.Segment(state, SegmentName.Ss) = segment;
        state->Rsp = stack.Pointer;
        ModeControl.Refresh(state);
        return Outcome.Jumped;
    }

    private static bool TryLoadInner(
        CpuState* state, int privilege, bool isLong, out SegmentCache segment, out ulong pointer)
    {
        if (!isLong)
        {
            return InnerStack.TryLoad(state, privilege, external: 0, out segment, out pointer);
        }

        segment = SegmentLoading.NullStack(privilege);
        return TaskState.TryReadStack64(state, privilege, stackTable: 0, external: 0, out pointer);
    }

    /// <summary>Pushes the outer SS:RSP, and copies the gate's parameters.</summary>
    private static bool PushOuter(CpuState* state, ref PushedStack stack, int slotBytes, int parameters)
    {
        ulong* copied = stackalloc ulong[StackParametersMax];
        for (int index = 0; index < parameters; index++)
        {
            if (!StackAccess.TryPeek(state, index * slotBytes, slotBytes, out copied[index]))
            {
                return false;
            }
        }

        bool pushed = stack.Push(CpuState.Segment(state, SegmentName.Ss)->Selector, slotBytes)
            && stack.Push(state->Rsp, slotBytes);
        for (int index = parameters - 1; index >= 0 && pushed; index--)
        {
            pushed = stack.Push(copied[index], slotBytes);
        }

        return pushed;
    }

    /// <summary>A fault is recorded, or the exit reason says that the engine cannot go there.</summary>
    private static Outcome Unresolved(CpuState* state) =>
        state->Exit == ExitReason.EmulationFailure ? Outcome.NotRetired : Faults.Raised(state);
}
