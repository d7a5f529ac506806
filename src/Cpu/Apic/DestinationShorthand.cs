// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Apic;

/// <summary>Whom an IPI goes to without naming it, bits 19:18 of the ICR.</summary>
/// <remarks>Source: Intel SDM vol. 3A, section 12.6.1 "Interrupt Command Register (ICR)".</remarks>
public enum DestinationShorthand
{
    None = 0,
    Self = 1,
    AllIncludingSelf = 2,
    AllExcludingSelf = 3,
}
