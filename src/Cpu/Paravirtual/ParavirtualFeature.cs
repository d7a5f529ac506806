// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Paravirtual;

/// <summary>KVM's paravirtual features that this hypervisor has: bits of CPUID leaf 0x40000001, EAX.</summary>
/// <remarks>Source: Linux v6.19 arch/x86/include/uapi/asm/kvm_para.h, KVM_FEATURE_*.</remarks>
[Flags]
public enum ParavirtualFeature : uint
{
    None = 0,

    /// <summary>The clock by MSRs 0x11 and 0x12.</summary>
    ClockSource = 1u << 0,

    /// <summary>No port needs a pause after it.</summary>
    NoIoDelay = 1u << 1,

    /// <summary>The clock by MSRs 0x4B564D00 and 0x4B564D01.</summary>
    ClockSource2 = 1u << 3,

    /// <summary>Hypercall KICK_CPU.</summary>
    Unhalt = 1u << 7,

    /// <summary>Hypercall SEND_IPI.</summary>
    SendIpi = 1u << 11,

    /// <summary>Hypercall SCHED_YIELD.</summary>
    SchedYield = 1u << 13,

    /// <summary>The clock says of itself whether it is one and the same on all vCPUs.</summary>
    ClockSourceStable = 1u << 24,
}
