// SPDX-License-Identifier: Apache-2.0

using KvmActors.Host.Rpc;

namespace KvmActors.Host.Tests.Rpc;

public sealed class RpcHeadersTests
{
    [Theory]
    [InlineData("1n", 0)]
    [InlineData("250n", 2)]
    [InlineData("1u", 10)]
    [InlineData("100m", 1_000_000)]
    [InlineData("5S", 50_000_000)]
    [InlineData("1M", 600_000_000)]
    [InlineData("1H", 36_000_000_000)]
    [InlineData("99999999H", 3_599_999_964_000_000_000)]
    public void A_timeout_is_up_to_eight_digits_and_a_unit(string text, long ticks)
    {
        Assert.True(RpcHeaders.TryParseTimeout(text, out TimeSpan timeout));
        Assert.Equal(ticks, timeout.Ticks);
    }

    [Theory]
    [InlineData("")]
    [InlineData("5")]
    [InlineData("S")]
    [InlineData("5s")]
    [InlineData("-5S")]
    [InlineData("1.5S")]
    [InlineData("123456789S")]
    public void What_is_no_timeout_is_refused(string text) => Assert.False(RpcHeaders.TryParseTimeout(text, out _));

    [Theory]
    [InlineData(1, "1u")]
    [InlineData(15, "2u")]
    [InlineData(50_000_000, "5000000u")]
    [InlineData(TimeSpan.TicksPerDay, "86400000m")]
    [InlineData(TimeSpan.TicksPerDay * 400, "34560000S")]
    public void A_timeout_is_written_in_the_finest_unit_that_fits(long ticks, string text) =>
        Assert.Equal(text, RpcHeaders.FormatTimeout(new TimeSpan(ticks)));

    [Theory]
    [InlineData("plain", "plain")]
    [InlineData("100 %", "100 %25")]
    [InlineData("a\nb", "a%0Ab")]
    [InlineData("größer", "gr%C3%B6%C3%9Fer")]
    public void A_message_is_percent_encoded_utf8(string message, string encoded)
    {
        Assert.Equal(encoded, RpcHeaders.EncodeMessage(message));
        Assert.Equal(message, RpcHeaders.DecodeMessage(encoded));
    }

    [Theory]
    [InlineData("100%", "100%")]
    [InlineData("%zz", "%zz")]
    [InlineData("%4", "%4")]
    public void A_broken_encoding_is_taken_as_it_stands(string encoded, string message) =>
        Assert.Equal(message, RpcHeaders.DecodeMessage(encoded));

    [Theory]
    [InlineData("application/grpc", true)]
    [InlineData("application/grpc+proto", true)]
    [InlineData("application/grpc; charset=utf-8", true)]
    [InlineData("application/grpc-web", false)]
    [InlineData("application/json", false)]
    [InlineData(null, false)]
    public void Only_grpc_content_is_taken(string? contentType, bool isGrpc) =>
        Assert.Equal(isGrpc, RpcHeaders.IsGrpc(contentType));
}
