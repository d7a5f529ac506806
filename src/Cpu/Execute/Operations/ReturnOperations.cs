// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.Decode;
using KvmActors.Cpu.Execute.Operands;
using KvmActors.Cpu.Execute.Protection;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Operations;

// JUSTIFICATION: see CpuState.
// SAFETY: memory is reached through StackAccess and PrivilegedMemory.

/// <summary>Far RET and IRET.</summary>
/// <remarks>Source: Intel SDM vol. 2, "RET—Return From Procedure", "IRET/IRETD/IRETQ—Interrupt Return".</remarks>
internal static unsafe class ReturnOperations
{
    public static void Register(InstructionTable table)
    {
        table.AddLast(Mnemonic.Retf, &ReturnFar);
        table.AddLast(Mnemonic.Iret, &ReturnFromInterrupt);
        table.AddLast(Mnemonic.Iretd, &ReturnFromInterrupt);
        table.AddLast(Mnemonic.Iretq, &ReturnFromInterrupt);
    }

    private static Outcome ReturnFar(CpuState* state, Uop* uop)
    {
        int slotBytes = GeneralOperand.Bytes(uop);
        int released = (ushort)uop->Immediate;
        if (!StackAccess.TryPeek(state, 0, slotBytes, out ulong rip)
            || !StackAccess.TryPeek(state, slotBytes, slotBytes, out ulong selector))
        {
            return Outcome.NotRetired;
        }

        if (!ModeControl.IsProtected(state))
        {
            if (rip > state->CodeLimit)
            {
                return Faults.GeneralProtectionFault(state);
            }

            StackAccess.Drop(state, (2 * slotBytes) + released);
            state->Rip = rip;
            SegmentLoading.CommitRealCode(state, (ushort)selector);
            return Outcome.Jumped;
        }

        ReturnFrame frame = new((ushort)selector, rip, slotBytes, PoppedBytes: 2 * slotBytes, released);
        return ProtectedReturn.TryReturn(state, frame, alwaysPopsStack: false)
            ? Outcome.Jumped
            : Faults.Raised(state);
    }

    private static Outcome ReturnFromInterrupt(CpuState* state, Uop* uop)
    {
        int slotBytes = GeneralOperand.Bytes(uop);
        if (FlagLoading.IsVirtual8086Denied(state))
        {
            return Faults.GeneralProtectionFault(state);
        }

        // Also if it faults. Source: Intel SDM vol. 3A, section 7.7.1 "Handling Multiple NMIs".
        VcpuEngine.Of(state).Events.NmiBlocked = false;
        bool isNested = ModeControl.IsProtected(state) && (state->SystemFlags & RFlags.NestedTask) != 0;
        if (isNested)
        {
            return ReturnToTask(state);
        }

        if (!StackAccess.TryPeek(state, 0, slotBytes, out ulong rip)
            || !StackAccess.TryPeek(state, slotBytes, slotBytes, out ulong selector)
            || !StackAccess.TryPeek(state, 2 * slotBytes, slotBytes, out ulong flags))
        {
            return Outcome.NotRetired;
        }

        if (!ModeControl.IsProtected(state))
        {
            return ReturnReal(state, (ushort)selector, rip, flags, slotBytes);
        }

        bool toVirtual8086 = !ModeControl.IsLongActive(state) && state->Cpl == 0 && slotBytes == 4
            && (flags & RFlags.Virtual8086) != 0;
        if (toVirtual8086)
        {
            return Virtual8086Entry.TryEnter(state, (ushort)selector, rip, flags)
                ? Outcome.Jumped
                : Outcome.NotRetired;
        }

        int privilege = state->Cpl;
        ReturnFrame frame = new((ushort)selector, rip, slotBytes, PoppedBytes: 3 * slotBytes, ReleasedBytes: 0);
        if (!ProtectedReturn.TryReturn(state, frame, alwaysPopsStack: ProtectedReturn.IsFrom64(state)))
        {
            return Faults.Raised(state);
        }

        LoadFlags(state, flags, slotBytes, privilege);
        return Outcome.Jumped;
    }

    private static Outcome ReturnReal(CpuState* state, ushort selector, ulong rip, ulong flags, int slotBytes)
    {
        if (rip > state->CodeLimit)
        {
            return Faults.GeneralProtectionFault(state);
        }

        StackAccess.Drop(state, 3 * slotBytes);
        state->Rip = rip;
        SegmentLoading.CommitRealCode(state, selector);
        LoadFlags(state, flags, slotBytes, state->Cpl);
        return Outcome.Jumped;
    }

    private static void LoadFlags(CpuState* state, ulong flags, int slotBytes, int privilege)
    {
        FlagLoading.Load(state, flags, slotBytes, privilege);
        ModeControl.Refresh(state);
    }

    private static Outcome ReturnToTask(CpuState* state)
    {
        if (ModeControl.IsLongActive(state))
        {
            return Faults.GeneralProtectionFault(state);
        }

        VcpuEngine.Of(state).ExitText = "The engine does not switch tasks (IRET with RFLAGS.NT set).";
        state->Exit = ExitReason.EmulationFailure;
        return Outcome.NotRetired;
    }
}
