// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Vm;
using Xunit;

namespace KvmActors.Actors.Tests.Vm;

public sealed class CapturePacingTests
{
    private static readonly TimeSpan s_waitMax = TimeSpan.FromSeconds(5);

    [Fact]
    public void The_first_one_is_due_at_the_next_multiple() =>
        Assert.Equal(1_300ul, New(retired: 1_250).DueAt(1_250, TimeSpan.Zero));

    [Fact]
    public void What_cost_nothing_is_due_at_every_multiple()
    {
        CapturePacing pacing = New().Captured(100).WorkedOff(TimeSpan.Zero, TimeSpan.Zero);
        Assert.Equal(200ul, pacing.DueAt(100, TimeSpan.Zero));
        Assert.Equal(300ul, pacing.DueAt(299, TimeSpan.Zero));
        Assert.Equal(400ul, pacing.DueAt(300, TimeSpan.Zero));
    }

    [Fact]
    public void Behind_one_there_is_none_for_fifty_times_what_it_cost_the_guest_and_the_host()
    {
        CapturePacing pacing = New().Captured(100).WorkedOff(
            pause: TimeSpan.FromMilliseconds(1), work: TimeSpan.FromMilliseconds(9));
        Assert.Equal(10_100ul, pacing.DueAt(150, TimeSpan.FromMilliseconds(499)));

        // Over by now: the first multiple from here, not one that was passed.
        Assert.Equal(800ul, pacing.DueAt(777, TimeSpan.FromMilliseconds(500)));
    }

    [Fact]
    public void While_one_is_worked_off_no_other_is_due()
    {
        CapturePacing pacing = New().Captured(100);
        Assert.Equal(10_100ul, pacing.DueAt(100, TimeSpan.FromSeconds(4.9)));
    }

    [Fact]
    public void No_wait_is_longer_than_the_longest()
    {
        CapturePacing pacing = New().Captured(100).WorkedOff(TimeSpan.FromDays(100_000), TimeSpan.FromSeconds(1));
        Assert.Equal(s_waitMax, pacing.Wait);
        Assert.Equal(10_100ul, pacing.DueAt(150, s_waitMax - TimeSpan.FromTicks(1)));
        Assert.Equal(200ul, pacing.DueAt(150, s_waitMax));
    }

    [Fact]
    public void So_many_instructions_behind_the_last_one_is_due_whatever_it_cost()
    {
        // The last multiple within, never one behind.
        CapturePacing pacing = New().Captured(150).WorkedOff(s_waitMax, TimeSpan.Zero);
        Assert.Equal(10_100ul, pacing.DueAt(160, TimeSpan.Zero));
        Assert.Equal(10_200ul, pacing.DueAt(10_100, TimeSpan.Zero));
    }

    [Fact]
    public void An_interval_beyond_the_most_instructions_is_kept()
    {
        var pacing = CapturePacing.From(0, intervalTicks: 1_000, ticksMax: 10, s_waitMax);
        Assert.Equal(1_000ul, pacing.Captured(0).DueAt(5, TimeSpan.Zero));
    }

    [Fact]
    public void Without_a_most_none_is_due_while_it_waits()
    {
        var pacing = CapturePacing.From(7, intervalTicks: 100, ticksMax: ulong.MaxValue, s_waitMax);
        Assert.Equal(ulong.MaxValue, pacing.Captured(100).DueAt(100, TimeSpan.Zero));
        Assert.Equal(200ul, pacing.Captured(100).DueAt(100, s_waitMax));
    }

    [Fact]
    public void Where_there_is_no_wait_cost_does_not_count()
    {
        CapturePacing pacing = CapturePacing.From(0, intervalTicks: 100, ticksMax: 10_000, TimeSpan.Zero).Captured(100);
        Assert.Equal(200ul, pacing.DueAt(100, TimeSpan.Zero));
        Assert.Equal(200ul, pacing.WorkedOff(s_waitMax, s_waitMax).DueAt(100, TimeSpan.Zero));
    }

    private static CapturePacing New(ulong retired = 0) =>
        CapturePacing.From(retired, intervalTicks: 100, ticksMax: 10_000, s_waitMax);
}
