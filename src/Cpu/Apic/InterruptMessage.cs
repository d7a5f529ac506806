// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Apic;

/// <summary>A message to local APICs: from another one, or from an I/O APIC.</summary>
/// <param name="IsLogical">The destination is a logical one.</param>
/// <param name="Destination">An APIC ID, or a logical destination; unused with a shorthand.</param>
/// <param name="IsLevel">Level-triggered: its end is told to I/O APICs.</param>
/// <param name="IsAsserted">False only for the INIT level de-assert.</param>
/// <param name="IsWide">The destination has 32 bits (x2APIC), not 8.</param>
/// <remarks>Source: Intel SDM vol. 3A, section 12.6.1 "Interrupt Command Register (ICR)".</remarks>
public readonly record struct InterruptMessage(
    byte Vector,
    DeliveryMode Mode,
    bool IsLogical,
    uint Destination,
    DestinationShorthand Shorthand,
    bool IsLevel,
    bool IsAsserted,
    bool IsWide);
