// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.Decode;
using KvmActors.Cpu.Execute.Protection;
using KvmActors.Cpu.Memory;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Operations;

// JUSTIFICATION: see CpuState.
// SAFETY: touches only the state.

/// <summary>SYSCALL, SYSRET, SYSENTER, SYSEXIT.</summary>
/// <remarks>Where the makers differ, the vendor of the CPUID table decides: SYSCALL outside of 64-bit mode exists on
/// AMD, SYSENTER in long mode on Intel. Source: Intel SDM vol. 2, "SYSCALL", "SYSRET", "SYSENTER", "SYSEXIT"; AMD APM
/// vol. 3, the same.</remarks>
internal static unsafe class FastCallOperations
{
    private const uint Code64 = 0xA09B;
    private const uint Code32 = 0xC09B;
    private const uint Data = 0xC093;
    private const uint UserPrivilege = 3u << SegmentCache.DplShift;
    private const ulong ReturnFlags = 0x3C_7FD7;
    private const int KernelSelectorShift = 32;
    private const int UserSelectorShift = 48;
    private const int SelectorStep = 8;
    private const int UserPrivilegeLevel = 3;

    public static void Register(InstructionTable table)
    {
        table.AddLast(Mnemonic.Syscall, &SystemCall);
        table.AddLast(Mnemonic.Sysret, &SystemReturn);
        table.AddLast(Mnemonic.Sysretq, &SystemReturn);
        table.AddLast(Mnemonic.Sysenter, &SystemEnter, GuestFeature.Sysenter);
        table.AddLast(Mnemonic.Sysexit, &SystemExit, GuestFeature.Sysenter);
        table.AddLast(Mnemonic.Sysexitq, &SystemExit, GuestFeature.Sysenter);
    }

    private static Outcome SystemCall(CpuState* state, Uop* uop)
    {
        bool is64 = state->Mode == CpuMode.Long64;
        bool exists = (state->Efer & ControlBits.EferSystemCall) != 0 && ModeControl.IsProtected(state)
            && (is64 || IsAmd(state));
        if (!exists)
        {
            return Faults.Undefined(state);
        }

        ulong next = Leaving.NextRip(state, uop);
        ulong star = *CpuState.Msr(state, MsrSlots.Star);
        ushort selector = (ushort)((star >> KernelSelectorShift) & DescriptorTables.ErrorMask);
        bool isLong = ModeControl.IsLongActive(state);
        if (isLong)
        {
            ulong flags = LazyFlags.Read(state) & ~RFlags.Resume;
            state->Rcx = next;
            state->R11 = flags;
            SetFlags(state, flags & ~*CpuState.Msr(state, MsrSlots.Sfmask));
            state->Rip = *CpuState.Msr(state, is64 ? MsrSlots.Lstar : MsrSlots.Cstar);
        }
        else
        {
            state->Rcx = (uint)next;
            SetFlags(state, LazyFlags.Read(state) & ~(RFlags.Interrupt | RFlags.Resume | RFlags.Virtual8086));
            state->Rip = (uint)star;
        }

        Enter(state, selector, isLong ? Code64 : Code32, privilege: 0);
        Breakpoints.DecideTrapByNewFlags(state);
        return Outcome.Jumped;
    }

    private static Outcome SystemReturn(CpuState* state, Uop* uop)
    {
        bool exists = (state->Efer & ControlBits.EferSystemCall) != 0 && ModeControl.IsProtected(state)
            && (state->Mode == CpuMode.Long64 || IsAmd(state));
        if (!exists)
        {
            return Faults.Undefined(state);
        }

        bool to64 = uop->SizeLog == 3;
        if (state->Cpl != 0 || (to64 && !IsAmd(state) && !LinearMemory.IsCanonical(state->Rcx)))
        {
            return Faults.GeneralProtectionFault(state);
        }

        ulong star = *CpuState.Msr(state, MsrSlots.Star);
        ushort user = (ushort)(star >> UserSelectorShift);
        ushort code = (ushort)((to64 ? user + (2 * SelectorStep) : user) | UserPrivilegeLevel);
        ushort stack = (ushort)((user + SelectorStep) | UserPrivilegeLevel);
        state->Rip = to64 ? state->Rcx : (uint)state->Rcx;
        if (ModeControl.IsLongActive(state))
        {
            SetFlags(state, (state->R11 & ReturnFlags) | RFlags.AlwaysOne);
        }
        else
        {
            SetFlags(state, LazyFlags.Read(state) | RFlags.Interrupt);
        }

        EnterUser(state, code, stack, to64);
        Breakpoints.DecideTrapByNewFlags(state);
        return Outcome.Jumped;
    }

    private static Outcome SystemEnter(CpuState* state, Uop* uop)
    {
        bool isLong = ModeControl.IsLongActive(state);
        if (isLong && IsAmd(state))
        {
            return Faults.Undefined(state);
        }

        ushort selector = (ushort)(*CpuState.Msr(state, MsrSlots.SysenterCs) & DescriptorTables.ErrorMask);
        bool isProtected = (state->Cr0 & ControlBits.Cr0ProtectionEnable) != 0;
        if (!isProtected || selector == 0)
        {
            return Faults.GeneralProtectionFault(state);
        }

        ulong rsp = *CpuState.Msr(state, MsrSlots.SysenterEsp);
        ulong rip = *CpuState.Msr(state, MsrSlots.SysenterEip);
        state->Rsp = isLong ? rsp : (uint)rsp;
        state->Rip = isLong ? rip : (uint)rip;
        SetFlags(
            state,
            LazyFlags.Read(state) & ~(RFlags.Interrupt | RFlags.Resume | RFlags.Virtual8086));
        Enter(state, selector, isLong ? Code64 : Code32, privilege: 0);
        return Outcome.Jumped;
    }

    private static Outcome SystemExit(CpuState* state, Uop* uop)
    {
        if (ModeControl.IsLongActive(state) && IsAmd(state))
        {
            return Faults.Undefined(state);
        }

        ulong sysenterCs = *CpuState.Msr(state, MsrSlots.SysenterCs);
        bool isAllowed = ModeControl.IsProtected(state) && state->Cpl == 0
            && (sysenterCs & DescriptorTables.ErrorMask) != 0;
        bool to64 = uop->SizeLog == 3;
        bool isReachable = !to64
            || (LinearMemory.IsCanonical(state->Rdx) && LinearMemory.IsCanonical(state->Rcx));
        if (!isAllowed || !isReachable)
        {
            return Faults.GeneralProtectionFault(state);
        }

        int step = to64 ? 4 * SelectorStep : 2 * SelectorStep;
        ushort code = (ushort)(((int)sysenterCs + step) | UserPrivilegeLevel);
        ushort stack = (ushort)(((int)sysenterCs + step + SelectorStep) | UserPrivilegeLevel);
        state->Rip = to64 ? state->Rdx : (uint)state->Rdx;
        state->Rsp = to64 ? state->Rcx : (uint)state->Rcx;
        EnterUser(state, code, stack, to64);
        return Outcome.Jumped;
    }

    private static bool IsAmd(CpuState* state) => (state->Features & GuestFeature.IsAmd) != 0;

    private static void SetFlags(CpuState* state, ulong flags)
    {
        LazyFlags.WriteStatus(state, flags);
        state->SystemFlags = (flags & RFlags.Defined & ~RFlags.Status) | RFlags.AlwaysOne;
    }

    private static void EnterUser(CpuState* state, ushort code, ushort stack, bool to64)
    {
        SetFlat(state, SegmentName.Cs, code, (to64 ? Code64 : Code32) | UserPrivilege);
        SetFlat(state, SegmentName.Ss, stack, Data | UserPrivilege);
        state->Cpl = UserPrivilegeLevel;
        ModeControl.Refresh(state);
    }

    private static void Enter(CpuState* state, ushort selector, uint codeAttributes, int privilege)
    {
        SetFlat(state, SegmentName.Cs, selector, codeAttributes);
        SetFlat(state, SegmentName.Ss, (ushort)(selector + SelectorStep), Data);
        state->Cpl = privilege;
        ModeControl.Refresh(state);
    }

    private static void SetFlat(CpuState* state, SegmentName name, ushort selector, uint attributes) =>
        *CpuState.Segment(state, name) = new SegmentCache
        {
            Selector = selector,
            Base = 0,
            Limit = uint.MaxValue,
            Attributes = attributes,
        };
}
