// SPDX-License-Identifier: Apache-2.0

using KvmActors.Host.Hocon;

namespace KvmActors.Host.Tests.Hocon;

public sealed class HoconUnitsTests
{
    [Theory]
    [InlineData("300", 3_000_000)]
    [InlineData("300ms", 3_000_000)]
    [InlineData(" 1 millisecond ", 10_000)]
    [InlineData("100ns", 1)]
    [InlineData("5us", 50)]
    [InlineData("1.5s", 15_000_000)]
    [InlineData("2 minutes", 1_200_000_000)]
    [InlineData("1m", 600_000_000)]
    [InlineData("1h", 36_000_000_000)]
    [InlineData("1d", 864_000_000_000)]
    [InlineData("-1s", -10_000_000)]
    public void A_duration_is_a_number_and_a_unit(string text, long ticks)
    {
        Assert.True(HoconUnits.TryParseDuration(text, out TimeSpan duration));
        Assert.Equal(ticks, duration.Ticks);
    }

    [Theory]
    [InlineData("0", 0)]
    [InlineData("512", 512)]
    [InlineData("1kB", 1_000)]
    [InlineData("1K", 1_024)]
    [InlineData("1k", 1_024)]
    [InlineData("1KiB", 1_024)]
    [InlineData("64M", 67_108_864)]
    [InlineData("64 megabytes", 64_000_000)]
    [InlineData("1.5G", 1_610_612_736)]
    [InlineData("1Ti", 1_099_511_627_776)]
    public void A_size_is_a_number_and_a_unit(string text, ulong bytes)
    {
        Assert.True(HoconUnits.TryParseSize(text, out ulong size));
        Assert.Equal(bytes, size);
    }

    [Theory]
    [InlineData("")]
    [InlineData("ms")]
    [InlineData("1 MS")]
    [InlineData("1x")]
    [InlineData("1,5s")]
    [InlineData("99999999999999d")]
    [InlineData("99999999999999999999999999d")]
    public void What_is_no_duration_is_refused(string text) => Assert.False(HoconUnits.TryParseDuration(text, out _));

    [Theory]
    [InlineData("")]
    [InlineData("-1")]
    [InlineData("1.5")]
    [InlineData("1kb")]
    [InlineData("99999P")]
    [InlineData("1s")]
    public void What_is_no_size_is_refused(string text) => Assert.False(HoconUnits.TryParseSize(text, out _));
}
