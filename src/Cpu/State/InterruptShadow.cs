// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.State;

/// <summary>What the last instruction holds off for the one behind it. Values as in kvm_vcpu_events.interrupt.shadow.
/// </summary>
/// <remarks>Source: Intel SDM vol. 3A, section 7.8.3; Linux v6.19 arch/x86/include/uapi/asm/kvm.h:
/// KVM_X86_SHADOW_INT_MOV_SS, KVM_X86_SHADOW_INT_STI.</remarks>
public enum InterruptShadow : byte
{
    None = 0,

    /// <summary>MOV SS or POP SS: interrupts, NMIs and debug traps wait.</summary>
    MovSs = 1,

    /// <summary>STI: interrupts and NMIs wait.</summary>
    Sti = 2,
}
