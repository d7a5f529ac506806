// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Actors.Kernel;

/// <summary>One timer of an actor. Its tick is an envelope that holds the entry itself, so that a tick whose timer is
/// gone by then can be told apart.</summary>
internal sealed class TimerEntry(ActorCell owner, object key, object message, Lane lane, bool isPeriodic) : IDisposable
{
    private ITimer? _timer;
    private int _tickWaits;

    public object Key { get; } = key;

    public object Message { get; } = message;

    public bool IsPeriodic { get; } = isPeriodic;

    public void Begin(TimeProvider clock, TimeSpan due, TimeSpan period) =>
        _timer = clock.CreateTimer(static state => ((TimerEntry)state!).Tick(), this, due, period);

    /// <summary>The waiting tick was taken: the next one may be posted.</summary>
    public void Rearm() => Volatile.Write(ref _tickWaits, 0);

    public void Dispose() => _timer?.Dispose();

    private void Tick()
    {
        if (Interlocked.Exchange(ref _tickWaits, 1) == 0)
        {
            owner.PostOwn(this, sender: null, lane);
        }
    }
}
