// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.TestKit;

/// <summary>A clock that stands still until it is advanced. Timers fire in the order of their due times; of two that
/// are due at once, the one that was set first.</summary>
/// <remarks>Any thread may ask and set timers; one at a time may advance. A timer fires inside <see cref="Advance"/>,
/// on its thread, at its own due time. One that is due at once waits for the next advance, which may be of zero
/// length.</remarks>
public sealed class VirtualTimeProvider : TimeProvider
{
    /// <summary>What wall clocks say at the beginning.</summary>
    public static readonly DateTimeOffset Start = new(2025, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly Lock _lock = new();
    private readonly SortedSet<VirtualTimer> _timers = new(VirtualTimer.ByDueTime);
    private long _nowTicks;
    private long _armed;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    /// <summary>Since the clock was made.</summary>
    public TimeSpan Elapsed => TimeSpan.FromTicks(GetTimestamp());

    /// <summary>When the next timer fires, as <see cref="Elapsed"/> then; null while none is set.</summary>
    public TimeSpan? NextDue
    {
        get
        {
            lock (_lock)
            {
                return _timers.Min is { } next ? TimeSpan.FromTicks(next.DueTicks) : null;
            }
        }
    }

    public override long GetTimestamp() => Interlocked.Read(ref _nowTicks);

    public override DateTimeOffset GetUtcNow() => Start + Elapsed;

    /// <summary>Moves time forward, and fires what falls due on the way.</summary>
    public void Advance(TimeSpan by)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(by, TimeSpan.Zero);
        long target = GetTimestamp() + by.Ticks;
        while (TakeDue(target) is { } due)
        {
            due.Fire();
        }

        Interlocked.Exchange(ref _nowTicks, target);
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        ArgumentNullException.ThrowIfNull(callback);
        VirtualTimer timer = new(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    internal void Arm(VirtualTimer timer, TimeSpan dueTime, TimeSpan period)
    {
        lock (_lock)
        {
            _timers.Remove(timer);
            timer.PeriodTicks = period > TimeSpan.Zero ? period.Ticks : 0;
            if (dueTime >= TimeSpan.Zero)
            {
                Add(timer, _nowTicks + dueTime.Ticks);
            }
        }
    }

    internal void Disarm(VirtualTimer timer)
    {
        lock (_lock)
        {
            _timers.Remove(timer);
        }
    }

    private VirtualTimer? TakeDue(long target)
    {
        lock (_lock)
        {
            if (_timers.Min is not { } next || next.DueTicks > target)
            {
                return null;
            }

            _timers.Remove(next);
            Interlocked.Exchange(ref _nowTicks, Math.Max(_nowTicks, next.DueTicks));
            if (next.PeriodTicks > 0)
            {
                Add(next, next.DueTicks + next.PeriodTicks);
            }

            return next;
        }
    }

    private void Add(VirtualTimer timer, long dueTicks)
    {
        // Not in the set at this moment, so that the order of the set stays whole.
        timer.DueTicks = dueTicks;
        timer.Order = ++_armed;
        _timers.Add(timer);
    }
}
