// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Memory;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Protection;

// JUSTIFICATION: see CpuState.
// SAFETY: guest memory is reached through PrivilegedMemory and StackAccess only.

/// <summary>The checks of a far jump or call in protected mode: direct to a code segment, or through a call
/// gate.</summary>
/// <remarks>Source: Intel SDM vol. 2, "JMP", "CALL", Operation; vol. 3A, section 6.8 "Privilege Level Checking When
/// Transferring Program Control Between Code Segments". False with the fault recorded.</remarks>
internal static unsafe class FarTransfer
{
    /// <summary>Where a far transfer leads.</summary>
    /// <param name="Privilege">The CPL there.</param>
    /// <param name="Gate">The call gate it goes through, or none.</param>
    public readonly record struct Target(
        ushort Selector, Descriptor Code, ulong Offset, int Privilege, Descriptor? Gate);

    public static bool TryResolve(CpuState* state, ushort selector, ulong offset, bool isCall, out Target target)
    {
        target = default;
        if (DescriptorTables.IsNull(selector))
        {
            return Fault(state, Faults.GeneralProtection, errorCode: 0);
        }

        if (!DescriptorTables.TryRead(
            state, selector, Faults.GeneralProtection, external: 0, out Descriptor descriptor))
        {
            return false;
        }

        return descriptor.IsSystem
            ? TryResolveSystem(state, selector, descriptor, isCall, out target)
            : TryResolveDirect(state, selector, descriptor, offset, out target);
    }

    /// <summary>Loads CS and RIP.</summary>
    public static bool TryCommit(CpuState* state, in Target target)
    {
        if (!DescriptorTables.SetTypeBits(state, target.Selector, target.Code, SegmentCache.Accessed))
        {
            return false;
        }

        state->Rip = target.Offset;
        SegmentLoading.CommitCode(state, target.Selector, target.Code, target.Privilege);
        return true;
    }

    /// <summary>True if an offset can be executed in a code segment.</summary>
    public static bool IsReachable(CpuState* state, in Descriptor code, ulong offset) =>
        ModeControl.IsLongActive(state) && code.IsLong ? LinearMemory.IsCanonical(offset) : offset <= code.Limit;

    private static bool TryResolveDirect(
        CpuState* state, ushort selector, in Descriptor code, ulong offset, out Target target)
    {
        int cpl = state->Cpl;
        int rpl = selector & DescriptorTables.RplMask;
        uint error = selector & (uint)DescriptorTables.ErrorMask;
        target = new Target(selector, code, offset, cpl, Gate: null);
        bool isPermitted = code.IsConforming ? code.Dpl <= cpl : code.Dpl == cpl && rpl <= cpl;
        if (!code.IsCode || !isPermitted || IsLongAndBig(state, code))
        {
            return Fault(state, Faults.GeneralProtection, error);
        }

        if (!code.IsPresent)
        {
            return Fault(state, Faults.SegmentNotPresent, error);
        }

        return IsReachable(state, code, offset) || Fault(state, Faults.GeneralProtection, errorCode: 0);
    }

    private static bool TryResolveSystem(
        CpuState* state, ushort selector, in Descriptor gate, bool isCall, out Target target)
    {
        target = default;
        uint error = selector & (uint)DescriptorTables.ErrorMask;
        bool isLong = ModeControl.IsLongActive(state);
        bool isCallGate = gate.Type == SystemSegmentType.CallGate32
            || (gate.Type == SystemSegmentType.CallGate16 && !isLong);
        bool isTask = !isLong && gate.Type is SystemSegmentType.TaskGate or SystemSegmentType.AvailableTss16
            or SystemSegmentType.AvailableTss32;
        if (!isCallGate && !isTask)
        {
            return Fault(state, Faults.GeneralProtection, error);
        }

        if (gate.Dpl < state->Cpl || gate.Dpl < (selector & DescriptorTables.RplMask))
        {
            return Fault(state, Faults.GeneralProtection, error);
        }

        if (!gate.IsPresent)
        {
            return Fault(state, Faults.SegmentNotPresent, error);
        }

        return isCallGate
            ? TryResolveGate(state, gate, isCall, out target)
            : TaskSwitch(state);
    }

    private static bool TryResolveGate(CpuState* state, in Descriptor gate, bool isCall, out Target target)
    {
        target = default;
        ushort selector = gate.GateSelector;
        if (DescriptorTables.IsNull(selector))
        {
            return Fault(state, Faults.GeneralProtection, errorCode: 0);
        }

        if (!DescriptorTables.TryRead(
            state, selector, Faults.GeneralProtection, external: 0, out Descriptor code))
        {
            return false;
        }

        uint error = selector & (uint)DescriptorTables.ErrorMask;
        bool isLong = ModeControl.IsLongActive(state);
        bool isPermitted = isCall || code.IsConforming ? code.Dpl <= state->Cpl : code.Dpl == state->Cpl;
        bool isWrongSize = isLong && (!code.IsLong || code.IsBig);
        if (!code.IsCode || !isPermitted || isWrongSize)
        {
            return Fault(state, Faults.GeneralProtection, error);
        }

        if (!code.IsPresent)
        {
            return Fault(state, Faults.SegmentNotPresent, error);
        }

        ulong offset = gate.Type == SystemSegmentType.CallGate16 ? (ushort)gate.GateOffset : gate.GateOffset;
        int privilege = code.IsConforming ? state->Cpl : code.Dpl;
        target = new Target(selector, code, offset, privilege, gate);
        return IsReachable(state, code, offset) || Fault(state, Faults.GeneralProtection, errorCode: 0);
    }

    private static bool IsLongAndBig(CpuState* state, in Descriptor code) =>
        ModeControl.IsLongActive(state) && code.IsLong && code.IsBig;

    private static bool TaskSwitch(CpuState* state)
    {
        VcpuEngine.Of(state).ExitText = "The engine does not switch tasks (far jump or call to a TSS or task gate).";
        state->Exit = ExitReason.EmulationFailure;
        return false;
    }

    private static bool Fault(CpuState* state, byte vector, uint errorCode)
    {
        Faults.Record(state, vector, errorCode);
        return false;
    }
}
