// SPDX-License-Identifier: Apache-2.0

using System.Text.Json;
using KvmActors.Host.Tests.Cli;

namespace KvmActors.Host.Tests.Solo;

public sealed class RunStatisticsTests : IDisposable
{
    private readonly GuestFiles _guests = new();

    public void Dispose() => _guests.Dispose();

    [Fact]
    public async Task Statistics_go_to_stderr_and_say_what_the_tiers_did()
    {
        CliRun run = await CliRun.OfAsync("run", _guests.Story(), "--stats");

        Assert.Equal(1, run.ExitCode);
        string[] names =
        [
            .. run.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line[..14].Trim()),
        ];
        foreach (string expected in (string[])["instructions", "time", "interpreter", "decoded", "TLB", "exits"])
        {
            Assert.Contains(expected, names);
        }

        Assert.Contains("PortWrite ", run.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("instructions  ", run.Out, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("auto", "1")]
    [InlineData("interpreter", "1")]
    [InlineData("auto", "2")]
    public async Task The_object_has_them_too_and_they_add_up(string engine, string vcpus)
    {
        CliRun run = await CliRun.OfAsync(
            "run", _guests.Story(), "--engine", engine, "--vcpus", vcpus, "--json", "--stats");

        Assert.Empty(run.Error);
        using var json = JsonDocument.Parse(run.Out);
        JsonElement stats = json.RootElement.GetProperty("stats");
        JsonElement counted = stats.GetProperty("engine");
        ulong instructions = counted.GetProperty("instructions").GetUInt64();
        ulong host = counted.GetProperty("hostCodeInstructions").GetUInt64();
        Assert.Equal(json.RootElement.GetProperty("instructions").GetUInt64(), instructions);
        Assert.InRange(host, 0ul, instructions);
        Assert.Equal(counted.GetProperty("hasTranslator").GetBoolean(), host > 0);
        Assert.Equal((double)host / instructions, stats.GetProperty("hostCodeShare").GetDouble(), tolerance: 0.0001);
        Assert.True(
            counted.GetProperty("exits").GetProperty("portWrite").GetInt64()
            >= json.RootElement.GetProperty("consoleBytes").GetInt64());
        if (engine == "interpreter")
        {
            Assert.Equal(0ul, host);
        }
    }

    [Fact]
    public async Task Without_the_option_nothing_is_told()
    {
        CliRun run = await CliRun.OfAsync("run", _guests.Story(), "--json");

        using var json = JsonDocument.Parse(run.Out);
        Assert.False(json.RootElement.TryGetProperty("stats", out _));
    }
}
