// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.Apic;
using KvmActors.Cpu.Decode;
using KvmActors.Cpu.Execute.Events;
using KvmActors.Cpu.Memory;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Operations;

// JUSTIFICATION: see CpuState.
// SAFETY: slots come from MsrSlots.Find.

/// <summary>RDMSR, WRMSR and SWAPGS.</summary>
/// <remarks>An MSR that is not in the list is #GP(0). Source: Intel SDM vol. 4; which are read-only or fixed: Linux
/// v6.19 arch/x86/kvm/x86.c:kvm_get_msr_common.</remarks>
internal static unsafe class MsrOperations
{
    private const uint TimeStampCounter = 0x10;
    private const uint TscAdjust = 0x3B;
    private const uint MicrocodeUpdate = 0x79;
    private const uint MicrocodeRevision = 0x8B;
    private const uint PlatformInfo = 0xCE;
    private const uint MtrrCapabilities = 0xFE;
    private const uint MachineCheckCapabilities = 0x179;
    private const uint MachineCheckStatus = 0x17A;
    private const uint SupervisorState = 0xDA0;
    private const uint ExtendedFeatureEnable = 0xC000_0080;
    // AMD's PERFEVTSEL0 to 3 and PERFCTR0 to 3.
    private const uint FirstPerformanceCounter = 0xC001_0000;
    private const uint LastPerformanceCounter = 0xC001_0007;
    private const uint FsBase = 0xC000_0100;
    private const uint GsBase = 0xC000_0101;

    // CPUID faulting can be switched on. Source: Intel SDM vol. 4, MSR_PLATFORM_INFO[31].
    private const ulong PlatformInfoValue = 1ul << 31;

    // 8 variable ranges, fixed ranges, write-combining.
    private const ulong MtrrCapabilitiesValue = 0x508;
    private const ulong PatReserved = 0xF8F8_F8F8_F8F8_F8F8;
    private const uint ApicBaseAddress = 0x1B;
    private const uint TscDeadline = 0x6E0;

    public static void Register(InstructionTable table)
    {
        table.Add(Mnemonic.Rdmsr, &Read);
        table.AddLast(Mnemonic.Wrmsr, &Write);
        table.Add(Mnemonic.Swapgs, &SwapGs);
    }

    private static Outcome Read(CpuState* state, Uop* uop)
    {
        if (state->Cpl != 0 || !TryRead(state, uop, (uint)state->Rcx, out ulong value))
        {
            return Faults.GeneralProtectionFault(state);
        }

        state->Rax = (uint)value;
        state->Rdx = value >> 32;
        return Outcome.Next;
    }

    private static Outcome Write(CpuState* state, Uop* uop)
    {
        ulong value = (state->Rdx << 32) | (uint)state->Rax;
        return state->Cpl == 0 && TryWrite(state, uop, (uint)state->Rcx, value)
            ? Outcome.Next
            : Faults.GeneralProtectionFault(state);
    }

    private static Outcome SwapGs(CpuState* state, Uop* uop)
    {
        if (state->Mode != CpuMode.Long64)
        {
            return Faults.Undefined(state);
        }

        if (state->Cpl != 0)
        {
            return Faults.GeneralProtectionFault(state);
        }

        SegmentCache* gs = CpuState.Segment(state, SegmentName.Gs);
        ulong* kernel = CpuState.Msr(state, MsrSlots.KernelGsBase);
        (gs->Base, *kernel) = (*kernel, gs->Base);
        return Outcome.Next;
    }

    private static bool TryRead(CpuState* state, Uop* uop, uint index, out ulong value)
    {
        int slot = MsrSlots.Find(index);
        value = slot >= 0 ? *CpuState.Msr(state, slot) : 0;
        switch (index)
        {
            case TimeStampCounter:
                value = VmTime.TimeStamp(state, uop);
                return true;
            case PlatformInfo:
                value = PlatformInfoValue;
                return true;
            case MtrrCapabilities:
                value = MtrrCapabilitiesValue;
                return true;
            case ParavirtualMsrs.WallClockOld or ParavirtualMsrs.SystemTimeOld
                or ParavirtualMsrs.WallClock or ParavirtualMsrs.SystemTime:
                return ParavirtualMsrs.TryRead(state, index, out value);
            case ExtendedFeatureEnable:
                value = state->Efer;
                return true;
            case TscDeadline:
                value = VcpuEngine.Of(state).Events.Apic.TscDeadline;
                return (state->Features & GuestFeature.TscDeadline) != 0;
            case >= ApicAccess.FirstMsr and <= ApicAccess.LastMsr:
                return VcpuEngine.Of(state).Events.ApicAccess.TryReadMsr(index, VmTime.Now(state, uop), out value);
            case FsBase:
                value = CpuState.Segment(state, SegmentName.Fs)->Base;
                return HasLongMode(state);
            case GsBase:
                value = CpuState.Segment(state, SegmentName.Gs)->Base;
                return HasLongMode(state);
            case SupervisorState:
                // IA32_XSS: no component is supported.
                return HasSupervisorState(state);
            case MachineCheckCapabilities or MachineCheckStatus or MicrocodeRevision:
                return true;
            case >= FirstPerformanceCounter and <= LastPerformanceCounter:
                // Nothing counts, which KVM without a PMU says in the same way, whoever made the CPU.
                return true;
            default:
                return slot >= 0 && IsOffered(state, slot);
        }
    }

    private static bool TryWrite(CpuState* state, Uop* uop, uint index, ulong value)
    {
        switch (index)
        {
            case TimeStampCounter:
                // Moving the counter moves TSC_ADJUST by as much. Source: SDM vol. 3B, section 19.17.3.
                TscMoved(state, uop, *CpuState.Msr(state, MsrSlots.TscAdjust) + value - VmTime.TimeStamp(state, uop));
                return true;
            case TscAdjust:
                TscMoved(state, uop, value);
                return true;
            case ParavirtualMsrs.WallClockOld or ParavirtualMsrs.SystemTimeOld
                or ParavirtualMsrs.WallClock or ParavirtualMsrs.SystemTime:
                return ParavirtualMsrs.TryWrite(state, uop, index, value);
            case ApicBaseAddress:
                return ApicBase.TryWrite(state, value);
            case TscDeadline:
                return TryWriteDeadline(state, value);
            case >= ApicAccess.FirstMsr and <= ApicAccess.LastMsr:
                return TryWriteApic(state, uop, index, value);
            case ExtendedFeatureEnable:
                return ControlRegisters.TryWriteEfer(state, value);
            case FsBase:
                return TryWriteBase(state, SegmentName.Fs, value);
            case GsBase:
                return TryWriteBase(state, SegmentName.Gs, value);
            case MicrocodeRevision or MicrocodeUpdate:
            case >= FirstPerformanceCounter and <= LastPerformanceCounter:
                return true;
            case SupervisorState:
                return value == 0 && HasSupervisorState(state);
            case MachineCheckStatus:
                return value == 0;
        }

        int slot = MsrSlots.Find(index);
        if (slot < 0 || !IsOffered(state, slot) || !IsValid(state, slot, value))
        {
            return false;
        }

        *CpuState.Msr(state, slot) = value;
        return true;
    }

    /// <summary>Timers by the TSC fire at another VM time, and clocks that the guest reads by it are wrong.</summary>
    private static void TscMoved(CpuState* state, Uop* uop, ulong adjust)
    {
        *CpuState.Msr(state, MsrSlots.TscAdjust) = adjust;
        state->DeadlineChanged = 1;
        VcpuEngine.Of(state).Events.Bus.ClocksChanged(VmTime.Now(state, uop));
    }

    private static bool TryWriteDeadline(CpuState* state, ulong value)
    {
        bool isOffered = (state->Features & GuestFeature.TscDeadline) != 0;
        if (isOffered)
        {
            state->DeadlineChanged = 1;
            VcpuEngine.Of(state).Events.Apic.SetTscDeadline(value);
        }

        return isOffered;
    }

    private static bool TryWriteApic(CpuState* state, Uop* uop, uint index, ulong value)
    {
        EventControl events = VcpuEngine.Of(state).Events;
        state->DeadlineChanged = 1;
        bool isWritten = events.ApicAccess.TryWriteMsr(index, value, VmTime.Now(state, uop));
        events.Refresh();
        return isWritten;
    }

    private static bool TryWriteBase(CpuState* state, SegmentName name, ulong value)
    {
        if (!HasLongMode(state) || !LinearMemory.IsCanonical(value))
        {
            return false;
        }

        CpuState.Segment(state, name)->Base = value;
        return true;
    }

    private static bool HasSupervisorState(CpuState* state) =>
        (state->Features & GuestFeature.XsaveSupervisor) != 0;

    private static bool HasLongMode(CpuState* state) => (state->Features & GuestFeature.LongMode) != 0;

    /// <summary>False for an MSR whose CPUID feature the guest does not have.</summary>
    private static bool IsOffered(CpuState* state, int slot) => slot switch
    {
        MsrSlots.Lstar or MsrSlots.Cstar or MsrSlots.Sfmask or MsrSlots.KernelGsBase => HasLongMode(state),
        MsrSlots.TscAux => (state->Features & (GuestFeature.Rdtscp | GuestFeature.Rdpid)) != 0,
        _ => true,
    };

    private static bool IsValid(CpuState* state, int slot, ulong value) => slot switch
    {
        MsrSlots.Lstar or MsrSlots.Cstar or MsrSlots.KernelGsBase or MsrSlots.SysenterEsp
            or MsrSlots.SysenterEip => LinearMemory.IsCanonical(value),
        MsrSlots.Sfmask or MsrSlots.TscAux => value <= uint.MaxValue,
        MsrSlots.MiscFeaturesEnables => value <= ProcessorOperations.CpuidFaulting,
        MsrSlots.Pat => IsValidPat(value),
        _ => true,
    };

    /// <summary>Each byte is a memory type: 0, 1, 4, 5, 6 or 7.</summary>
    private static bool IsValidPat(ulong value)
    {
        ulong isTwoOrThree = (value >> 1) & ~(value >> 2) & 0x0101_0101_0101_0101;
        return (value & PatReserved) == 0 && isTwoOrThree == 0;
    }
}
