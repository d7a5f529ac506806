// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Machine.Devices;

/// <summary>One counter of the 8254 as data. Times are in clocks of 1,193,182 Hz since the VM's creation, modulo
/// 2^64.</summary>
/// <param name="Control">The control word's bits 5:0: access, mode, BCD.</param>
/// <param name="CountRegister">The count as written.</param>
/// <param name="WritesHigh">The next byte written is the count's upper one.</param>
/// <param name="ReadsHigh">The next byte read is the count's upper one.</param>
/// <param name="Latched">The count that a latch command has kept.</param>
/// <param name="LatchedBytes">How many bytes of <paramref name="Latched"/> are still to be read.</param>
/// <param name="Status">The status that a read-back command has kept, if <paramref name="HasStatus"/>.</param>
/// <param name="Phase">What the counter does.</param>
/// <param name="Period">The count in use, 1 to 65,536.</param>
/// <param name="Start">The clock at which the count was taken over; while counting is stopped by the gate, the clocks
/// counted until then.</param>
/// <param name="NextPeriod">The count that is taken over at <paramref name="NextStart"/>, or 0.</param>
/// <param name="NextStart">A clock; 2^64-1 says that the gate must rise first.</param>
public sealed record PitChannelState(
    byte Control,
    ushort CountRegister,
    bool WritesHigh,
    bool ReadsHigh,
    ushort Latched,
    byte LatchedBytes,
    byte Status,
    bool HasStatus,
    bool Gate,
    PitPhase Phase,
    uint Period,
    ulong Start,
    uint NextPeriod,
    ulong NextStart);
