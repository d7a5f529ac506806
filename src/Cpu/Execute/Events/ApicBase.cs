// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Apic;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Events;

// JUSTIFICATION: see CpuState.
// SAFETY: touches one MSR of the state.

/// <summary>IA32_APIC_BASE: where the local APIC is and how it is reached.</summary>
/// <remarks>Source: Intel SDM vol. 3A, section 12.12.1 "Detecting and Enabling x2APIC Mode", figure 12-27; Linux v6.19
/// arch/x86/kvm/lapic.c:kvm_apic_set_base.</remarks>
internal static unsafe class ApicBase
{
    private const ulong PageOffset = 0xFFF;

    public static ApicMode ModeOf(ulong value) => (value & MsrSlots.ApicBaseEnable) == 0 ? ApicMode.Disabled
        : (value & MsrSlots.ApicBaseX2Enable) == 0 ? ApicMode.XApic
        : ApicMode.X2Apic;

    /// <summary>WRMSR; false is #GP(0): reserved bits, x2APIC without the feature, or a step that does not exist: from
    /// disabled into x2APIC, or out of x2APIC into xAPIC.</summary>
    public static bool TryWrite(CpuState* state, ulong value)
    {
        ulong* register = CpuState.Msr(state, MsrSlots.ApicBase);
        bool hasX2 = (state->Features & GuestFeature.X2Apic) != 0;
        ulong defined = (state->PhysicalAddressMask & ~PageOffset) | MsrSlots.ApicBaseEnable
            | MsrSlots.ApicBaseBootstrapProcessor | (hasX2 ? MsrSlots.ApicBaseX2Enable : 0);
        ApicMode old = ModeOf(*register);
        ApicMode mode = ModeOf(value);
        bool isX2Alone = mode == ApicMode.Disabled && (value & MsrSlots.ApicBaseX2Enable) != 0;
        bool isStep = (old, mode) is not ((ApicMode.Disabled, ApicMode.X2Apic) or (ApicMode.X2Apic, ApicMode.XApic));
        if ((value & ~defined) != 0 || isX2Alone || !isStep)
        {
            return false;
        }

        *register = value;
        EventControl events = VcpuEngine.Of(state).Events;
        events.Apic.SetMode(mode);
        events.Refresh();
        return true;
    }
}
