// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.State.KvmApi;

/// <summary>The structures in which KVM takes and gives the state of a vCPU, one an ioctl.</summary>
/// <remarks>Source: Linux v6.19 include/uapi/linux/kvm.h, arch/x86/include/uapi/asm/kvm.h.</remarks>
public enum KvmStructure
{
    /// <summary>struct kvm_mp_state.</summary>
    MpState,

    /// <summary>struct kvm_regs.</summary>
    Registers,

    /// <summary>struct kvm_sregs.</summary>
    SystemRegisters,

    /// <summary>struct kvm_xsave: an XSAVE area in the standard form.</summary>
    Xsave,

    /// <summary>struct kvm_xcrs.</summary>
    ExtendedControl,

    /// <summary>struct kvm_debugregs.</summary>
    DebugRegisters,

    /// <summary>struct kvm_lapic_state.</summary>
    LocalApic,

    /// <summary>struct kvm_msrs with its entries.</summary>
    Msrs,

    /// <summary>struct kvm_vcpu_events.</summary>
    Events,
}
