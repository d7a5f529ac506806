// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Memory;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute;

// JUSTIFICATION: see CpuState.
// SAFETY: touches only the state.

/// <summary>Writes CR0, CR3, CR4 and EFER: what may be written, and what follows from it.</summary>
/// <remarks>False means #GP(0), with nothing changed. Source: Intel SDM vol. 3A, section 2.5 "Control Registers",
/// section
/// 11.8.5 "Initializing IA-32e Mode"; for the reserved bits by CPUID: Linux v6.19 arch/x86/kvm/x86.c:kvm_is_valid_cr4,
/// __kvm_valid_efer.</remarks>
internal static unsafe class ControlRegisters
{
    private const ulong AlwaysInCr4 = ControlBits.Cr4Virtual8086Extensions
        | ControlBits.Cr4ProtectedVirtualInterrupts | ControlBits.Cr4TimeStampDisable
        | ControlBits.Cr4DebuggingExtensions | ControlBits.Cr4PageSizeExtensions
        | ControlBits.Cr4PhysicalAddressExtension | ControlBits.Cr4MachineCheck | ControlBits.Cr4PageGlobal
        | ControlBits.Cr4PerformanceCounter | ControlBits.Cr4FxSave | ControlBits.Cr4SimdExceptions;

    private const ulong Cr4Translation = ControlBits.Cr4PageSizeExtensions
        | ControlBits.Cr4PhysicalAddressExtension | ControlBits.Cr4PageGlobal
        | ControlBits.Cr4SupervisorExecutionPrevention | ControlBits.Cr4SupervisorAccessPrevention
        | ControlBits.Cr4ProcessContext;

    // A change of these bits loads the PDPTEs of PAE paging. Source: Intel SDM vol. 3A, section 5.4.1.
    private const ulong Cr0LoadsPaePointers =
        ControlBits.Cr0CacheDisable | ControlBits.Cr0NotWriteThrough | ControlBits.Cr0Paging;

    private const ulong Cr4LoadsPaePointers = ControlBits.Cr4PageSizeExtensions
        | ControlBits.Cr4PhysicalAddressExtension | ControlBits.Cr4PageGlobal
        | ControlBits.Cr4SupervisorExecutionPrevention;

    private const ulong PageWriteThroughAndCacheDisable = 0x18;

    public static bool TryWriteCr0(CpuState* state, ulong value)
    {
        value |= ControlBits.Cr0ExtensionType;
        bool isConsistent = value <= uint.MaxValue
            && ((value & ControlBits.Cr0NotWriteThrough) == 0 || (value & ControlBits.Cr0CacheDisable) != 0)
            && ((value & ControlBits.Cr0Paging) == 0 || (value & ControlBits.Cr0ProtectionEnable) != 0);
        ulong changed = value ^ state->Cr0;
        bool leavesContexts = (value & ControlBits.Cr0Paging) == 0
            && (state->Cr4 & ControlBits.Cr4ProcessContext) != 0;
        bool loadsPointers = (changed & Cr0LoadsPaePointers) != 0 && UsesPaePointers(value, state->Cr4, state->Efer);
        if (loadsPointers && !PageWalk.ArePaePointersValid(state, state->Cr3))
        {
            return false;
        }

        bool switchesPaging = (changed & ControlBits.Cr0Paging) != 0;
        if (!isConsistent || leavesContexts || (switchesPaging && !TrySwitchLongMode(state, value)))
        {
            return false;
        }

        state->Cr0 = value & ControlBits.Cr0Defined;
        if ((changed & ControlBits.Cr0ProtectionEnable) != 0)
        {
            // The segment registers stay what they are until they are loaded; only what they mean changes.
            state->Cpl = (value & ControlBits.Cr0ProtectionEnable) == 0 ? 0 : state->Cpl;
        }

        ModeControl.Refresh(state);
        Tlb.Flush(state);
        return true;
    }

    public static bool TryWriteCr3(CpuState* state, ulong value)
    {
        // The TLB keeps no translations of another context, so that bit 63 asks for nothing.
        if ((state->Cr4 & ControlBits.Cr4ProcessContext) != 0)
        {
            value &= ~ControlBits.Cr3KeepTranslations;
        }

        bool isLong = ModeControl.IsLongActive(state);
        if (isLong && (value & ~(state->PhysicalAddressMask | PageWriteThroughAndCacheDisable)) != 0)
        {
            return false;
        }

        bool usesPointers = UsesPaePointers(state->Cr0, state->Cr4, state->Efer);
        if (usesPointers && !PageWalk.ArePaePointersValid(state, value))
        {
            return false;
        }

        state->Cr3 = value;
        Tlb.Flush(state);
        return true;
    }

    public static bool TryWriteCr4(CpuState* state, ulong value)
    {
        ulong changed = value ^ state->Cr4;
        bool leavesPae = (changed & ~value & ControlBits.Cr4PhysicalAddressExtension) != 0;
        bool isLong = ModeControl.IsLongActive(state);
        bool entersContexts = (changed & value & ControlBits.Cr4ProcessContext) != 0;
        bool mayEnter = isLong && (state->Cr3 & ControlBits.Cr3ProcessContext) == 0;
        if ((value & ~WritableCr4(state)) != 0 || (leavesPae && isLong) || (entersContexts && !mayEnter))
        {
            return false;
        }

        bool loadsPointers = (changed & Cr4LoadsPaePointers) != 0 && UsesPaePointers(state->Cr0, value, state->Efer);
        if (loadsPointers && !PageWalk.ArePaePointersValid(state, state->Cr3))
        {
            return false;
        }

        state->Cr4 = value;
        if ((changed & Cr4Translation) != 0)
        {
            Tlb.Flush(state);
        }

        return true;
    }

    public static bool TryWriteEfer(CpuState* state, ulong value)
    {
        ulong writable = ControlBits.EferSystemCall
            | (Has(state, GuestFeature.LongMode) ? ControlBits.EferLongModeEnable : 0)
            | (Has(state, GuestFeature.NoExecute) ? ControlBits.EferNoExecute : 0);
        ulong active = state->Efer & ControlBits.EferLongModeActive;
        value = (value & ~ControlBits.EferLongModeActive) | active;
        bool switchesWhilePaging = ((value ^ state->Efer) & ControlBits.EferLongModeEnable) != 0
            && (state->Cr0 & ControlBits.Cr0Paging) != 0;
        if ((value & ~(writable | ControlBits.EferLongModeActive)) != 0 || switchesWhilePaging)
        {
            return false;
        }

        state->Efer = value;
        Tlb.Flush(state);
        return true;
    }

    /// <summary>True if paging is PAE paging under these values.</summary>
    private static bool UsesPaePointers(ulong cr0, ulong cr4, ulong efer) =>
        (cr0 & ControlBits.Cr0Paging) != 0
        && (cr4 & ControlBits.Cr4PhysicalAddressExtension) != 0
        && (efer & ControlBits.EferLongModeEnable) == 0;

    private static ulong WritableCr4(CpuState* state) => AlwaysInCr4
        | (Has(state, GuestFeature.Umip) ? ControlBits.Cr4UserInstructionPrevention : 0)
        | (Has(state, GuestFeature.Xsave) ? ControlBits.Cr4XSave : 0)
        | (Has(state, GuestFeature.FsGsBase) ? ControlBits.Cr4FsGsBase : 0)
        | (Has(state, GuestFeature.Pcid) ? ControlBits.Cr4ProcessContext : 0)
        | (Has(state, GuestFeature.Smep) ? ControlBits.Cr4SupervisorExecutionPrevention : 0)
        | (Has(state, GuestFeature.Smap) ? ControlBits.Cr4SupervisorAccessPrevention : 0);

    /// <summary>Paging goes on or off; with EFER.LME that activates or leaves long mode.</summary>
    private static bool TrySwitchLongMode(CpuState* state, ulong cr0)
    {
        bool turnsOn = (cr0 & ControlBits.Cr0Paging) != 0;
        bool codeIsLong = (CpuState.Segment(state, SegmentName.Cs)->Attributes & SegmentCache.Long) != 0;
        if (turnsOn && (state->Efer & ControlBits.EferLongModeEnable) != 0)
        {
            if (codeIsLong || (state->Cr4 & ControlBits.Cr4PhysicalAddressExtension) == 0)
            {
                return false;
            }

            state->Efer |= ControlBits.EferLongModeActive;
            return true;
        }

        if (!turnsOn && state->Mode == CpuMode.Long64)
        {
            return false;
        }

        state->Efer &= ~ControlBits.EferLongModeActive;
        return true;
    }

    private static bool Has(CpuState* state, GuestFeature feature) => (state->Features & feature) != 0;
}
