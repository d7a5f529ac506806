// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Machine.Devices;

/// <summary>The divider chain of the MC146818 against VM time, exactly.</summary>
/// <remarks>Source: MC146818A data sheet, register A and table 5 "Periodic interrupt rate". Differences of VM times are
/// taken modulo 2^64, since the second in which a VM begins may have begun before it.</remarks>
internal sealed class RtcTimeline
{
    private const ulong TicksPerSecond = 1_000_000_000;
    private const ulong CyclesPerSecond = 32_768;

    /// <summary>How long before an update UIP is set: 8 cycles.</summary>
    private const ulong UpdateNoticeTicks = 8 * TicksPerSecond / CyclesPerSecond;

    /// <summary>VM time at which a second began.</summary>
    public ulong Origin { get; set; }

    /// <summary>Seconds since 1970 at <see cref="Origin"/>.</summary>
    public ulong Seconds { get; set; }

    /// <summary>False if register A holds the divider in reset or selects none.</summary>
    public static bool DividerRuns(byte registerA) => (registerA & 0x70) <= 0x20;

    public ulong ElapsedSeconds(ulong vmTime) => Elapsed(vmTime) / TicksPerSecond;

    public ulong SecondsAt(ulong vmTime) => Seconds + ElapsedSeconds(vmTime);

    /// <summary>UIP: the time is about to change.</summary>
    public bool IsUpdateNear(ulong vmTime) => Elapsed(vmTime) % TicksPerSecond >= TicksPerSecond - UpdateNoticeTicks;

    /// <summary>The VM time at which so many seconds have gone by since the origin.</summary>
    public ulong StartOfSecond(ulong elapsedSeconds) => After((UInt128)elapsedSeconds * TicksPerSecond);

    /// <summary>Sets the time and keeps the phase of the second.</summary>
    public void SetSeconds(ulong seconds, ulong vmTime)
    {
        Origin += ElapsedSeconds(vmTime) * TicksPerSecond;
        Seconds = seconds;
    }

    /// <summary>The divider leaves reset: the first update is half a second away.</summary>
    public void Release(ulong vmTime) => Origin = vmTime - (TicksPerSecond / 2);

    /// <summary>The first periodic event behind a VM time, or null if there is none at this rate.</summary>
    public ulong? NextPeriodic(ulong vmTime, byte registerA)
    {
        int rate = registerA & 0xF;
        if (rate == 0 || !DividerRuns(registerA))
        {
            return null;
        }

        int doublings = rate <= 2 ? rate + 6 : rate - 1;
        UInt128 cycles = (UInt128)Elapsed(vmTime) * CyclesPerSecond / TicksPerSecond;
        UInt128 next = ((cycles >> doublings) + 1) << doublings;
        return After(((next * TicksPerSecond) + (CyclesPerSecond - 1)) / CyclesPerSecond);
    }

    private ulong Elapsed(ulong vmTime) => unchecked(vmTime - Origin);

    private ulong After(UInt128 ticks)
    {
        UInt128 wrapped = ticks + Origin;
        bool originIsBefore = Origin > ulong.MaxValue / 2;
        UInt128 time = originIsBefore ? wrapped - ulong.MaxValue - 1 : wrapped;
        return time > ulong.MaxValue ? ulong.MaxValue : (ulong)time;
    }
}
