// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Actors.Vm;

/// <summary>When a guest's memory is next captured, for a snapshot or a sum: at a multiple of an interval of
/// instructions, but so seldom that captures stay within their share of the host's time. Pure.</summary>
/// <remarks>An interval of instructions alone is no measure of cost: host code runs in 20 ms what the interpreter runs
/// in 400, and a capture costs what was written since the last one.</remarks>
/// <param name="IntervalTicks">Instructions between captures that cost nothing.</param>
/// <param name="TicksMax">Most instructions between two captures, whatever they cost.</param>
/// <param name="WaitMax">Longest wait behind a capture, whatever it cost. Zero: one at every interval.</param>
/// <param name="CapturedAt">Count of retired instructions at the last capture, or at the session's begin.</param>
/// <param name="Wait">Wall time behind the last capture in which no other one is due by its interval.</param>
internal sealed record CapturePacing(
    ulong IntervalTicks, ulong TicksMax, TimeSpan WaitMax, ulong CapturedAt, TimeSpan Wait)
{
    /// <summary>A capture is followed by so many times its own cost in which there is none: 2 % of the time.</summary>
    public const int CostsApart = 50;

    public static CapturePacing From(ulong retired, ulong intervalTicks, ulong ticksMax, TimeSpan waitMax) =>
        new(intervalTicks, ticksMax, waitMax, retired, TimeSpan.Zero);

    /// <summary>One was captured at this count; what it costs is not known yet, and so long no other is due.</summary>
    public CapturePacing Captured(ulong retired) => this with { CapturedAt = retired, Wait = WaitMax };

    /// <summary>The last capture is worked off.</summary>
    /// <param name="pause">For which the guest stood still.</param>
    /// <param name="work">Of other threads beside the guest. It counts as much: they may share its core.</param>
    public CapturePacing WorkedOff(TimeSpan pause, TimeSpan work)
    {
        TimeSpan cost = pause + work;
        return this with { Wait = cost < WaitMax / CostsApart ? cost * CostsApart : WaitMax };
    }

    /// <summary>From which count of retired instructions the next capture is due.</summary>
    /// <param name="retired">The count of now.</param>
    /// <param name="elapsed">Wall time since the last capture.</param>
    public ulong DueAt(ulong retired, TimeSpan elapsed)
    {
        ulong next = SliceRequest.NextMultiple(retired, IntervalTicks);
        return elapsed >= Wait ? next : Math.Max(next, LastMultiple);
    }

    /// <summary>The last multiple that is at most <see cref="TicksMax"/> behind the last capture.</summary>
    private ulong LastMultiple => TicksMax > ulong.MaxValue - CapturedAt
        ? ulong.MaxValue
        : (CapturedAt + TicksMax) / IntervalTicks * IntervalTicks;
}
