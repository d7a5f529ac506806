// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Migration;
using Xunit;

namespace KvmActors.Actors.Tests.Migration;

public sealed class PreCopyPolicyTests
{
    // 1000 pages a second in what follows: 30 of them go in the default downtime of 30 ms.
    [Theory]
    [InlineData(0, 5, 0, true)]
    [InlineData(1, 30, 1000, false)]
    [InlineData(1, 31, 1000, true)]
    [InlineData(1, 900, 1000, true)]
    [InlineData(1, 901, 1000, false)]
    [InlineData(29, 500, 1000, true)]
    [InlineData(30, 500, 1000, false)]
    [InlineData(1, 0, 0, false)]
    public void A_round_follows_until_little_is_left_or_it_is_in_vain(int done, int left, int sent, bool goesOn) =>
        Assert.Equal(
            goesOn,
            PreCopyPolicy.GoesOn(done, left, sent, TimeSpan.FromMilliseconds(sent), MigrationLimits.Default));

    [Theory]
    [InlineData(100, 200, true)]
    [InlineData(101, 200, false)]
    [InlineData(65, 200, true)]
    [InlineData(64, 200, false)]
    public void What_would_go_over_in_time_is_sent_while_the_guest_runs_as_long_as_it_halves(
        int left, int sent, bool goesOn) => Assert.Equal(
            goesOn,
            PreCopyPolicy.GoesOn(2, left, sent, TimeSpan.FromMilliseconds(5), MigrationLimits.Default));

    [Fact]
    public void A_limit_of_bandwidth_pauses_for_what_was_sent_too_early()
    {
        MigrationLimits limits = MigrationLimits.Default with { BytesPerSecondMax = 4096 * 100 };

        Assert.Equal(
            TimeSpan.FromMilliseconds(1500),
            PreCopyPolicy.PauseAfter(200 * 4096, TimeSpan.FromMilliseconds(500), limits));
        Assert.Equal(TimeSpan.Zero, PreCopyPolicy.PauseAfter(200 * 4096, TimeSpan.FromSeconds(3), limits));
        Assert.Equal(TimeSpan.Zero, PreCopyPolicy.PauseAfter(200, TimeSpan.Zero, MigrationLimits.Default));
    }
}
