// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Actors.Migration;

/// <summary>Stamps the ends of a downtime's parts on the source's clock.</summary>
internal sealed class DowntimeClock(TimeProvider clock)
{
    private long? _since;
    private TimeSpan _pause;
    private TimeSpan _pages;
    private TimeSpan _durable;
    private TimeSpan _state;
    private TimeSpan _check;

    /// <param name="stoodStillAt">Timestamp behind the guest's last instruction; null where it did not run: then
    /// nothing is measured.</param>
    public void Held(long? stoodStillAt)
    {
        _since = stoodStillAt;
        _pause = Next();
    }

    public void PagesSent() => _pages = Next();

    public void Settled() => _durable = Next();

    /// <param name="check">What the target says it took.</param>
    public void Checked(TimeSpan check)
    {
        TimeSpan both = Next();
        _check = Min(check, both);
        _state = both - _check;
    }

    /// <param name="answer">Of the target that runs the guest.</param>
    public DowntimeReport? HandedOver(MigrationAnswer.Accepted answer)
    {
        if (_since is null)
        {
            return null;
        }

        TimeSpan all = Next();
        TimeSpan commit = Min(answer.Took, all);
        TimeSpan start = Min(answer.Start, all - commit);
        return new DowntimeReport(
            _pause, _pages, _durable, _state, _check, commit, start, all - commit - start);
    }

    private static TimeSpan Min(TimeSpan one, TimeSpan other) => one < other ? one : other;

    private TimeSpan Next()
    {
        if (_since is not { } since)
        {
            return TimeSpan.Zero;
        }

        long now = clock.GetTimestamp();
        _since = now;
        return clock.GetElapsedTime(since, now);
    }
}
