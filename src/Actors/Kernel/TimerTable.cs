// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Actors.Kernel;

/// <summary>The timers of one incarnation of an actor. Used in the actor's turn only, but for a timer's tick.</summary>
internal sealed class TimerTable(ActorCell owner) : IActorTimers
{
    private readonly Dictionary<object, TimerEntry> _entries = [];

    public void StartSingle(object key, object message, TimeSpan delay, Lane lane = Lane.Control) =>
        Start(key, message, delay, Timeout.InfiniteTimeSpan, lane);

    public void StartPeriodic(object key, object message, TimeSpan interval, Lane lane = Lane.Control)
    {
        if (interval <= TimeSpan.Zero)
        {
            throw new ArgumentOutOfRangeException(
                nameof(interval), interval, $"Periodic timer {key} of {owner.Path} needs an interval above zero.");
        }

        Start(key, message, interval, interval, lane);
    }

    public bool Cancel(object key)
    {
        owner.EnsureInTurn();
        if (!_entries.Remove(key, out TimerEntry? entry))
        {
            return false;
        }

        entry.Dispose();
        return true;
    }

    public bool IsActive(object key) => _entries.ContainsKey(key);

    /// <returns>The message of a tick that was taken from the mailbox; null where the timer is no longer this
    /// one.</returns>
    internal object? Accept(TimerEntry entry)
    {
        if (!_entries.TryGetValue(entry.Key, out TimerEntry? current))
        {
            return null;
        }

        if (!ReferenceEquals(current, entry))
        {
            return null;
        }

        if (entry.IsPeriodic)
        {
            entry.Rearm();
        }
        else
        {
            _entries.Remove(entry.Key);
            entry.Dispose();
        }

        return entry.Message;
    }

    internal void CancelAll()
    {
        // Disposal has no effect that another could see: its order does not matter.
        foreach (TimerEntry entry in _entries.Values)
        {
            entry.Dispose();
        }

        _entries.Clear();
    }

    private void Start(object key, object message, TimeSpan due, TimeSpan period, Lane lane)
    {
        owner.EnsureInTurn();
        ArgumentNullException.ThrowIfNull(message);
        Cancel(key);
        TimerEntry entry = new(owner, key, message, lane, isPeriodic: period != Timeout.InfiniteTimeSpan);
        _entries.Add(key, entry);
        entry.Begin(owner.System.Clock, due, period);
    }
}
