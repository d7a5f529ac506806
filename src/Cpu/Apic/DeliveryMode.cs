// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Apic;

/// <summary>How an interrupt message is taken, bits 10:8 of the ICR, an LVT entry or an IOAPIC entry.</summary>
/// <remarks>Source: Intel SDM vol. 3A, section 12.6.1 "Interrupt Command Register (ICR)"; Linux v6.19
/// arch/x86/kvm/lapic.c:__apic_accept_irq, APIC_DM_REMRD.</remarks>
public enum DeliveryMode
{
    Fixed = 0,
    LowestPriority = 1,
    SystemManagement = 2,

    /// <summary>Reserved in the manual. As in KVM it wakes a vCPU out of HLT, and interrupts nothing.</summary>
    RemoteRead = 3,

    NonMaskable = 4,
    Init = 5,
    StartUp = 6,
    External = 7,
}
