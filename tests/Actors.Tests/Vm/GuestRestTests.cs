// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Vm;
using KvmActors.Machine.Time;
using KvmActors.TestKit;
using Xunit;

namespace KvmActors.Actors.Tests.Vm;

public sealed class GuestRestTests
{
    private const ulong Millisecond = 1_000_000;
    private readonly VirtualTimeProvider _clock = new();

    [Fact]
    public void A_guest_that_runs_is_not_waited_for()
    {
        GuestRest rest = new(_clock);
        Assert.Equal(TimeSpan.Zero, rest.Left);
        rest.On(Slice(SliceStop.Yielded, vmTime: 5, wakesAt: 0));
        Assert.Equal(TimeSpan.Zero, rest.Left);
        Assert.Equal(7u, rest.StandStillUntil(7));
    }

    [Fact]
    public void A_resting_guests_time_passes_as_the_clock_does_until_its_timer_is_due()
    {
        GuestRest rest = new(_clock);
        rest.On(Slice(SliceStop.Resting, vmTime: 100 * Millisecond, wakesAt: 110 * Millisecond));
        Assert.InRange(rest.Left, TimeSpan.FromMilliseconds(10), TimeSpan.FromMilliseconds(10.001));

        _clock.Advance(TimeSpan.FromMilliseconds(4));
        Assert.Equal(104 * Millisecond, rest.StandStillUntil(100 * Millisecond));
        Assert.InRange(rest.Left, TimeSpan.FromMilliseconds(6), TimeSpan.FromMilliseconds(6.001));

        _clock.Advance(TimeSpan.FromMilliseconds(7));
        Assert.Equal(TimeSpan.Zero, rest.Left);
        Assert.Equal(111 * Millisecond, rest.StandStillUntil(100 * Millisecond));
    }

    [Fact]
    public void A_guest_that_no_timer_wakes_is_looked_at_from_time_to_time()
    {
        GuestRest rest = new(_clock);
        rest.On(Slice(SliceStop.Resting, vmTime: 100 * Millisecond, wakesAt: ulong.MaxValue));
        Assert.InRange(rest.Left, GuestRest.LongestWait, GuestRest.LongestWait + TimeSpan.FromMilliseconds(0.001));

        _clock.Advance(GuestRest.LongestWait);
        Assert.Equal(TimeSpan.Zero, rest.Left);
        Assert.Equal(10_100 * Millisecond, rest.StandStillUntil(100 * Millisecond));
    }

    [Fact]
    public void Input_comes_behind_one_slice_that_catches_up()
    {
        GuestRest rest = new(_clock);
        rest.On(Slice(SliceStop.Resting, 100 * Millisecond, 900 * Millisecond));
        _clock.Advance(TimeSpan.FromMilliseconds(50));
        Assert.False(rest.CatchUp(hasInput: false));
        Assert.True(rest.CatchUp(hasInput: true));
        rest.On(Slice(SliceStop.Resting, 150 * Millisecond, 900 * Millisecond));
        Assert.False(rest.CatchUp(hasInput: true));

        // The next one waits for its own.
        rest.On(Slice(SliceStop.Resting, 151 * Millisecond, 900 * Millisecond));
        Assert.True(rest.CatchUp(hasInput: true));
    }

    [Fact]
    public void Time_that_is_forgotten_does_not_count()
    {
        GuestRest rest = new(_clock);
        rest.On(Slice(SliceStop.Resting, 100 * Millisecond, 900 * Millisecond));
        _clock.Advance(TimeSpan.FromMinutes(5));
        rest.Forget();
        Assert.Equal(100 * Millisecond, rest.StandStillUntil(100 * Millisecond));
    }

    [Fact]
    public void What_slices_take_is_made_up_for_and_a_long_lag_is_not()
    {
        GuestRest rest = new(_clock);
        rest.On(Slice(SliceStop.Resting, 100 * Millisecond, 110 * Millisecond));
        _clock.Advance(TimeSpan.FromMilliseconds(30));
        rest.On(Slice(SliceStop.LimitReached, 111 * Millisecond, 0));
        Assert.Equal(130 * Millisecond, rest.StandStillUntil(111 * Millisecond));

        _clock.Advance(TimeSpan.FromSeconds(10));
        rest.On(Slice(SliceStop.Yielded, 120 * Millisecond, 0));
        Assert.Equal(120 * Millisecond, rest.StandStillUntil(120 * Millisecond));
        _clock.Advance(TimeSpan.FromMilliseconds(5));
        Assert.Equal(125 * Millisecond, rest.StandStillUntil(120 * Millisecond));
    }

    private SliceCapture Slice(SliceStop stop, ulong vmTime, ulong wakesAt) => new(
        new SliceResult(stop, vmTime, vmTime, 0, ReadOnlyMemory<byte>.Empty, []) { WakesAt = wakesAt },
        vmTime,
        [],
        _clock.GetTimestamp(),
        End: null,
        Progress: null);
}
