// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Apic;

/// <summary>What an interrupt message does where it arrives, by its code in ICR and redirection entries.</summary>
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
