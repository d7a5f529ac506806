// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Machine.Devices;

/// <summary>What a counter of the 8254 shows at a clock, by the clock at which it took its count over. Pure.</summary>
/// <remarks>
/// Source: Intel 8254 data sheet, "Mode Definitions". A count written between clocks w and w+1 is taken over at clock
/// w+1, its start; e clocks later mode 0 shows N-e, and OUT rises at e = N, which is N+1 clocks behind the write.
/// Clocks are modulo 2^64, since a start may lie before the VM's creation. A count of 1 is illegal in modes 2 and 3
/// and counts as 2.
/// </remarks>
internal static class PitCounting
{
    public const uint CountsBinary = 0x1_0000;

    private const uint CountsBcd = 10_000;

    /// <summary>Mode 0 to 5; 6 and 7 are 2 and 3.</summary>
    public static int ModeOf(byte control)
    {
        int mode = (control >> 1) & 7;
        return mode > 5 ? mode - 4 : mode;
    }

    /// <summary>The number that a count register means.</summary>
    public static uint PeriodOf(ushort countRegister, bool isBcd, int mode)
    {
        uint count = isBcd ? FromBcd(countRegister) : countRegister;
        if (count == 0)
        {
            return isBcd ? CountsBcd : CountsBinary;
        }

        return count == 1 && mode is 2 or 3 ? 2 : count;
    }

    public static ushort ToBcd(uint count)
    {
        uint value = count % CountsBcd;
        return (ushort)((value % 10)
            | ((value / 10 % 10) << 4)
            | ((value / 100 % 10) << 8)
            | ((value / 1000) << 12));
    }

    /// <summary>Mode 3: for how many clocks of a period OUT is high.</summary>
    public static uint HighClocks(uint period) => (period + 1) / 2;

    public static bool Output(int mode, PitPhase phase, uint period, ulong start, ulong now)
    {
        if (phase is PitPhase.WaitsForCount or PitPhase.WaitsForTrigger)
        {
            return mode != 0;
        }

        if (phase == PitPhase.Stopped)
        {
            // The gate of modes 2 and 3 sets OUT high; in modes 0 and 4 it only stops the count.
            return mode is 2 or 3 || At(mode, period, start);
        }

        return At(mode, period, now - start);
    }

    /// <summary>The first clock behind <paramref name="now"/> at which OUT changes, or null.</summary>
    public static ulong? NextChange(int mode, PitPhase phase, uint period, ulong start, ulong now)
    {
        if (phase != PitPhase.Counts)
        {
            return null;
        }

        ulong elapsed = now - start;
        ulong inPeriod = elapsed % period;
        return mode switch
        {
            0 or 1 => elapsed < period ? start + period : null,
            2 => now - inPeriod + (inPeriod < period - 1 ? period - 1 : period),
            3 => now - inPeriod + (inPeriod < HighClocks(period) ? HighClocks(period) : period),
            _ when elapsed < period => start + period,
            _ => elapsed == period ? start + period + 1 : null,
        };
    }

    /// <summary>Modes 2 and 3: the first clock behind <paramref name="now"/> at which a new count is taken
    /// over.</summary>
    public static ulong NextTakeover(int mode, uint period, ulong start, ulong now)
    {
        ulong inPeriod = (now - start) % period;
        bool atHalf = mode == 3 && inPeriod < HighClocks(period);
        return now - inPeriod + (atHalf ? HighClocks(period) : period);
    }

    /// <summary>What the counting element holds.</summary>
    public static uint Count(int mode, bool isBcd, PitPhase phase, uint period, ulong start, ulong now)
    {
        ulong elapsed = phase switch
        {
            PitPhase.Counts => now - start,
            PitPhase.Stopped => start,
            _ => 0,
        };
        uint modulus = isBcd ? CountsBcd : CountsBinary;
        return mode switch
        {
            2 => period - (uint)(elapsed % period),
            3 => SquareWaveCount(period, (uint)(elapsed % period)),
            _ => (uint)((period + modulus - (elapsed % modulus)) % modulus),
        };
    }

    private static bool At(int mode, uint period, ulong elapsed) => mode switch
    {
        0 or 1 => elapsed >= period,
        2 => elapsed % period != period - 1,
        3 => elapsed % period < HighClocks(period),
        _ => elapsed != period,
    };

    /// <summary>Counts down by two from the even number at or below the period, in each half of the wave.</summary>
    private static uint SquareWaveCount(uint period, uint inPeriod)
    {
        uint high = HighClocks(period);
        uint inHalf = inPeriod < high ? inPeriod : inPeriod - high;
        return (period & ~1u) - (2 * inHalf);
    }

    private static uint FromBcd(ushort value) => (uint)((value & 0xF)
        + (10 * ((value >> 4) & 0xF))
        + (100 * ((value >> 8) & 0xF))
        + (1000 * (value >> 12)));
}
