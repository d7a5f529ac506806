// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;

namespace KvmActors.Machine.Devices;

/// <summary>The registers of the 16550 as data.</summary>
/// <param name="Overrun">LSR bit 1: a byte was lost; cleared when LSR is read.</param>
/// <param name="TransmitInterruptPending">The transmitter ran empty and IIR has not told so yet.</param>
/// <param name="Received">Bytes a client has sent and the guest has not read: the receive FIFO and what waits behind
/// it.</param>
/// <param name="ModemChanges">MSR bits 3:0: which modem inputs have changed since MSR was read.</param>
public sealed record SerialState(
    byte InterruptEnable,
    byte FifoControl,
    byte LineControl,
    byte ModemControl,
    byte Scratch,
    ushort Divisor,
    bool Overrun,
    bool TransmitInterruptPending,
    ImmutableArray<byte> Received,
    byte ModemChanges)
{
    /// <summary>How many bytes may wait.</summary>
    public const int ReceivedBytesMax = 64 * 1024;
}
