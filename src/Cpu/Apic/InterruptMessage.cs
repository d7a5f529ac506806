// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Apic;

/// <summary>An interrupt on its way to local APICs: an IPI, or what an IOAPIC pin sends.</summary>
/// <param name="Vector">0 to 255; for a start-up IPI the page at which the processor starts.</param>
/// <param name="Mode">How it is taken.</param>
/// <param name="IsLogical">True if the destination is logical, false if it is an APIC id.</param>
/// <param name="Destination">APIC id, logical id or mask; 8 bits wide unless <paramref name="IsWide"/>.</param>
/// <param name="Shorthand">Instead of the destination, if not None.</param>
/// <param name="IsLevel">Level-triggered: the end of the interrupt goes back to the IOAPIC.</param>
/// <param name="IsAsserted">False for the INIT level de-assert, which nobody takes any more.</param>
/// <param name="IsWide">The destination has 32 bits, as in x2APIC mode.</param>
/// <remarks>Source: Intel SDM vol. 3A, sections 12.6.1 and 12.12.9.</remarks>
public readonly record struct InterruptMessage(
    byte Vector,
    DeliveryMode Mode,
    bool IsLogical,
    uint Destination,
    DestinationShorthand Shorthand,
    bool IsLevel,
    bool IsAsserted,
    bool IsWide)
{
    /// <summary>What a write to the interrupt command register sends.</summary>
    /// <param name="low">Bits 31:0.</param>
    /// <param name="destination">Bits 63:56 in xAPIC mode, 63:32 in x2APIC mode.</param>
    /// <param name="isWide">True in x2APIC mode.</param>
    public static InterruptMessage OfCommand(uint low, uint destination, bool isWide) => new(
        (byte)low,
        (DeliveryMode)(low >> 8 & 7),
        IsLogical: (low >> 11 & 1) != 0,
        destination,
        (DestinationShorthand)(low >> 18 & 3),
        IsLevel: (low >> 15 & 1) != 0,
        IsAsserted: (low >> 14 & 1) != 0 || (DeliveryMode)(low >> 8 & 7) != DeliveryMode.Init || (low >> 15 & 1) == 0,
        isWide);
}
