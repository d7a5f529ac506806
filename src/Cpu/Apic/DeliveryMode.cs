// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Apic;

/// <summary>How an interrupt message is taken, bits 10:8 of the ICR, an LVT entry or an IOAPIC entry.</summary>
/// <remarks>Source: Intel SDM vol. 3A, section 12.6.1 "Interrupt Command Register (ICR)".</remarks>
public enum DeliveryMode
{
    Fixed = 0,
    LowestPriority = 1,
    SystemManagement = 2,
    Reserved = 3,
    NonMaskable = 4,
    Init = 5,
    StartUp = 6,
    External = 7,
}
