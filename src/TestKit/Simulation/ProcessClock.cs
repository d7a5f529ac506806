// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.TestKit.Simulation;

/// <summary>The clock of one simulated process: virtual time, at a rate of its own, whose timers fire on the process's
/// executor. So they wait while it is frozen, and never fire once it is killed.</summary>
public sealed class ProcessClock : TimeProvider
{
    private readonly VirtualTimeProvider _time;
    private readonly ProcessScheduler _executor;
    private readonly double _rate;

    /// <param name="rate">Seconds of this clock in one second of virtual time. 1.01: one in a hundred too fast.</param>
    public ProcessClock(VirtualTimeProvider time, ProcessScheduler executor, double rate = 1)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(rate, 0);
        _time = time;
        _executor = executor;
        _rate = rate;
    }

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    public override long GetTimestamp() => (long)(_time.GetTimestamp() * _rate);

    public override DateTimeOffset GetUtcNow() => VirtualTimeProvider.Start + TimeSpan.FromTicks(GetTimestamp());

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        ArgumentNullException.ThrowIfNull(callback);
        ProcessTimer timer = new(this, callback, state);
        timer.Begin(dueTime, period);
        return timer;
    }

    private TimeSpan ToVirtual(TimeSpan local) =>
        local <= TimeSpan.Zero || _rate == 1 ? local : TimeSpan.FromTicks((long)Math.Ceiling(local.Ticks / _rate));

    private sealed class ProcessTimer(ProcessClock clock, TimerCallback callback, object? state) : ITimer
    {
        private ITimer? _timer;
        private bool _isDisposed;

        public void Begin(TimeSpan dueTime, TimeSpan period) => _timer = clock._time.CreateTimer(
            static timer => ((ProcessTimer)timer!).Due(), this, clock.ToVirtual(dueTime), clock.ToVirtual(period));

        public bool Change(TimeSpan dueTime, TimeSpan period) =>
            _timer!.Change(clock.ToVirtual(dueTime), clock.ToVirtual(period));

        public void Dispose()
        {
            _isDisposed = true;
            _timer?.Dispose();
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }

        private void Due()
        {
            if (clock._executor.IsKilled)
            {
                Dispose();
                return;
            }

            _ = clock._executor.Factory.StartNew(static timer => ((ProcessTimer)timer!).Fire(), this);
        }

        private void Fire()
        {
            if (!_isDisposed)
            {
                callback(state);
            }
        }
    }
}
