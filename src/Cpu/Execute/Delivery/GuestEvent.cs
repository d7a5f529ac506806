// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Execute.Delivery;

/// <summary>An exception or interrupt on its way through the IDT.</summary>
/// <param name="ReturnRip">The RIP that is pushed.</param>
/// <param name="Flags">The RFLAGS that are pushed.</param>
internal readonly record struct GuestEvent(
    byte Vector, EventKind Kind, bool HasErrorCode, uint ErrorCode, ulong ReturnRip, ulong Flags)
{
    /// <summary>EXT, bit 0 of the error codes of faults that happen during the delivery.</summary>
    public uint External => Kind == EventKind.Software ? 0u : 1u;
}
