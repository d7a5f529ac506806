// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Decode;
using KvmActors.Cpu.Memory;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute;

// JUSTIFICATION: see CpuState.
// SAFETY: works on fields of the state it is given.

/// <summary>Keeps what is derived from the control registers, CS, CPL and RFLAGS in step with them.</summary>
/// <remarks>Source: Intel SDM vol. 3A, section 2.2 "Modes of Operation".</remarks>
internal static unsafe class ModeControl
{
    /// <summary>Value of <see cref="CpuState.InterruptShadow"/> behind STI.</summary>
    public const int ShadowOfSti = (int)InterruptShadow.Sti;

    /// <summary>Value of <see cref="CpuState.InterruptShadow"/> behind MOV SS and POP SS, which hold off debug traps
    /// too.
    /// </summary>
    public const int ShadowOfMovSs = (int)InterruptShadow.MovSs;

    /// <summary>To be called after any change to CR0, EFER, CS, CPL or the system flags.</summary>
    public static void Refresh(CpuState* state)
    {
        SegmentCache* code = CpuState.Segment(state, SegmentName.Cs);
        state->Mode = ModeOf(state, code->Attributes);
        bool is64 = state->Mode == CpuMode.Long64;
        state->CodeBase = is64 ? 0 : code->Base;
        state->CodeLimit = is64 ? ulong.MaxValue : code->Limit;
        JumpCache.Select(state, state->Mode, user: state->Cpl == 3);
        RefreshFlags(state);
    }

    /// <summary>To be called after a change to the system flags, the interrupt shadow or DR7 alone.</summary>
    public static void RefreshFlags(CpuState* state)
    {
        bool hasAc = (state->SystemFlags & RFlags.AlignmentCheck) != 0;
        int set = state->Cpl == 3
            ? (ChecksAlignment(state) ? Tlb.EmptySet : Tlb.UserSet)
            : (hasAc ? Tlb.SupervisorWithAcSet : Tlb.SupervisorSet);
        bool isWatched = (state->SystemFlags & (RFlags.Trap | RFlags.Resume)) != 0;
        state->WatchesData = 0;
        if (Breakpoints.AnyEnabled(state))
        {
            isWatched = true;
            state->WatchesData = Breakpoints.AnyForData(state) ? 1 : 0;
            set = state->WatchesData != 0 ? Tlb.EmptySet : set;
        }

        state->ActiveTlb = Tlb.Set(state, set);
        state->ActiveWriteTlb = state->ActiveTlb + Tlb.WriteOffset;
        state->SingleStep = state->InterruptShadow | (isWatched ? 1 : 0);
    }

    /// <summary>True if an unaligned access is #AC now.</summary>
    public static bool ChecksAlignment(CpuState* state) =>
        state->Cpl == 3
        && (state->Cr0 & ControlBits.Cr0AlignmentMask) != 0
        && (state->SystemFlags & RFlags.AlignmentCheck) != 0;

    /// <summary>The privilege a saved state implies: the DPL of SS, as VMX has it.</summary>
    public static int PrivilegeOf(CpuState* state) =>
        (state->Cr0 & ControlBits.Cr0ProtectionEnable) == 0 ? 0
        : (state->SystemFlags & RFlags.Virtual8086) != 0 ? 3
        : CpuState.Segment(state, SegmentName.Ss)->Dpl;

    public static bool IsProtected(CpuState* state) =>
        state->Mode is not (CpuMode.Real16 or CpuMode.Real32 or CpuMode.Virtual8086);

    public static bool IsLongActive(CpuState* state) => (state->Efer & ControlBits.EferLongModeActive) != 0;

    private static CpuMode ModeOf(CpuState* state, uint codeAttributes)
    {
        bool big = (codeAttributes & SegmentCache.Big) != 0;
        if ((state->Cr0 & ControlBits.Cr0ProtectionEnable) == 0)
        {
            return big ? CpuMode.Real32 : CpuMode.Real16;
        }

        if ((state->SystemFlags & RFlags.Virtual8086) != 0)
        {
            return CpuMode.Virtual8086;
        }

        if (!IsLongActive(state))
        {
            return big ? CpuMode.Protected32 : CpuMode.Protected16;
        }

        return (codeAttributes & SegmentCache.Long) != 0 ? CpuMode.Long64
            : big ? CpuMode.Compatibility32
            : CpuMode.Compatibility16;
    }
}
