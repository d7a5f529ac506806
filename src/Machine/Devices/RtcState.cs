// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;

namespace KvmActors.Machine.Devices;

/// <summary>The MC146818 and its CMOS RAM as data.</summary>
/// <param name="Index">Port 70h as written: bit 7 masks NMI.</param>
/// <param name="Registers">All 128 bytes. Those of time and date are what the guest reads only while the time stands
/// still; otherwise they are what they were when it last did.</param>
/// <param name="Seconds">Seconds since 1970 when the divider chain was at <paramref name="Origin"/>.</param>
/// <param name="DaysToWeekday">What is added to the days since 1970 to find the day of the week.</param>
/// <param name="Origin">VM time at which a second began, modulo 2^64: it may lie before the VM's creation.</param>
/// <param name="Flags">PF, AF and UF of register C as far as <paramref name="SettledAt"/>.</param>
/// <param name="SettledAt">VM time up to which <paramref name="Flags"/> tells what has happened.</param>
public sealed record RtcState(
    byte Index,
    ImmutableArray<byte> Registers,
    ulong Seconds,
    byte DaysToWeekday,
    ulong Origin,
    byte Flags,
    ulong SettledAt)
{
    public const int RegisterCount = 128;
}
