// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;

namespace KvmActors.Machine.Devices;

/// <summary>The I/O APIC as data.</summary>
/// <param name="Select">The register that the window shows.</param>
/// <param name="Id">Bits 27:24 of the ID register.</param>
/// <param name="Lines">Level of each pin, a bit each.</param>
/// <param name="Redirections">The 24 entries of the redirection table.</param>
public sealed record IoApicState(byte Select, byte Id, uint Lines, ImmutableArray<ulong> Redirections)
{
    public const int PinCount = 24;
}
