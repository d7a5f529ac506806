// SPDX-License-Identifier: Apache-2.0

using KvmActors.Host.Tests.Cli;

namespace KvmActors.Host.Tests.Debug;

/// <summary><c>debug gdb</c> as a command.</summary>
public sealed class DebugVerbTests(RecordedDuet duet) : IClassFixture<RecordedDuet>
{
    [Fact]
    public async Task It_says_where_it_listens_and_what_to_type()
    {
        await using DebugVerbRun server = await DebugVerbRun.StartAsync("duet", "--store", duet.Store, "--at", "1_000");

        Assert.Equal("duet", server.Report("vm"));
        Assert.Equal("1000", server.Report("at"));
        Assert.Equal("0", server.Report("start"));
        Assert.Equal(
            $"gdb -ex 'set architecture i386:x86-64' -ex 'target remote 127.0.0.1:{server.Port}'",
            server.Report("command"));
    }

    [Theory]
    [InlineData("duet", "--at", "99999999", 1, "Expected a moment from 0 to ")]
    [InlineData("duet", "--at", "1000+77", 1, "Expected a moment of this guest, found 1000+77")]
    [InlineData("duet", "--at", "noon", 1, "Expected start, end, a VM time")]
    [InlineData("duet", "--port", "70000", 2, "Expected a port from 0 to 65535, found 70000.")]
    [InlineData("duet", "--arch", "arm", 2, "Expected x86-64 or i386 for --arch, found \"arm\".")]
    [InlineData("none", "--port", "0", 1, "Expected a stream of this store, found \"none\".")]
    public async Task What_cannot_be_served_is_one_message(
        string vm, string option, string value, int exitCode, string expected)
    {
        CliRun run = await CliRun.OfAsync("debug", "gdb", vm, "--store", duet.Store, option, value);

        Assert.Equal(exitCode, run.ExitCode);
        Assert.StartsWith($"kvmactors: {expected}", run.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_stop_ends_it()
    {
        DebugVerbRun server = await DebugVerbRun.StartAsync("duet", "--store", duet.Store);

        await server.DisposeAsync();

        Assert.Equal(130, await server.ExitCode);
    }
}
