// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Machine.Devices;

/// <summary>The 8254's clock of 1,193,182 Hz against VM time, exactly.</summary>
internal static class PitClock
{
    public const ulong Hertz = 1_193_182;

    private const ulong TicksPerSecond = 1_000_000_000;

    /// <summary>Whole clocks that have passed at a VM time.</summary>
    public static ulong At(ulong vmTime) => (ulong)((UInt128)vmTime * Hertz / TicksPerSecond);

    /// <summary>The first VM time at which <paramref name="clocks"/> have passed; the last one there is if that is
    /// never.</summary>
    public static ulong VmTimeOf(ulong clocks)
    {
        UInt128 time = (((UInt128)clocks * TicksPerSecond) + (Hertz - 1)) / Hertz;
        return time > ulong.MaxValue ? ulong.MaxValue : (ulong)time;
    }
}
