// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.TestKit;

/// <summary>A timer of a <see cref="VirtualTimeProvider"/>, whose lock guards what can change.</summary>
internal sealed class VirtualTimer(VirtualTimeProvider clock, TimerCallback callback, object? state) : ITimer
{
    private volatile bool _isDisposed;

    public static IComparer<VirtualTimer> ByDueTime { get; } = Comparer<VirtualTimer>.Create(static (one, other) =>
        one.DueTicks == other.DueTicks ? one.Order.CompareTo(other.Order) : one.DueTicks.CompareTo(other.DueTicks));

    public long DueTicks { get; set; }

    /// <summary>Counts settings: decides between equal due times.</summary>
    public long Order { get; set; }

    /// <summary>0: fires once.</summary>
    public long PeriodTicks { get; set; }

    public bool Change(TimeSpan dueTime, TimeSpan period)
    {
        if (_isDisposed)
        {
            return false;
        }

        clock.Arm(this, dueTime, period);
        return true;
    }

    public void Dispose()
    {
        _isDisposed = true;
        clock.Disarm(this);
    }

    public ValueTask DisposeAsync()
    {
        Dispose();
        return ValueTask.CompletedTask;
    }

    internal void Fire()
    {
        if (!_isDisposed)
        {
            callback(state);
        }
    }
}
