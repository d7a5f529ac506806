// SPDX-License-Identifier: Apache-2.0

using System.Text.Json;
using KvmActors.Host.Tests.Cli;

namespace KvmActors.Host.Tests.Journal;

public sealed class JournalReplayVerbTests(RecordedStore store) : IClassFixture<RecordedStore>
{
    [Fact]
    public async Task A_part_of_a_life_is_replayed_and_where_it_ends_is_shown()
    {
        CliRun listed = await CliRun.OfAsync("journal", "list", "--snapshots", "--store", store.Path);
        CliRun run = await ReplayAsync("--from", "snapshot:0", "--to", "1M", "--verify");
        CliRun json = await ReplayAsync("--to", "#5", "--json");

        Assert.Equal(["web", "snapshot:0", "0"], Words(listed.Out.Split('\n')[1])[..3]);
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.Contains("replayed to VM time 1,000,000 in", run.Out, StringComparison.Ordinal);
        Assert.Contains("vCPU 0: RIP 0x", run.Out, StringComparison.Ordinal);
        JsonElement report = JsonDocument.Parse(json.Out).RootElement;
        Assert.True(report.GetProperty("equal").GetBoolean());
        Assert.Equal(0, report.GetProperty("fromSnapshot").GetInt32());
        Assert.Equal(JsonValueKind.Null, report.GetProperty("range").ValueKind);
        Assert.Equal(1, report.GetProperty("vcpus").GetArrayLength());
    }

    [Theory]
    [InlineData("Expected a stored snapshot, found snapshot:77. Choose one of: snapshot:0", "--from", "snapshot:77")]
    [InlineData("Expected an event (#17 of the VM's stream", "--to", "#7000")]
    [InlineData("Expected a VM time or an event to replay to, found 10+1.", "--to", "10+1")]
    [InlineData("Expected a moment from 0 to ", "--to", "900G")]
    public async Task What_is_not_there_is_refused(string sentence, params string[] arguments)
    {
        CliRun run = await ReplayAsync(arguments);

        Assert.Equal(1, run.ExitCode);
        Assert.StartsWith($"kvmactors: {sentence}", run.Error, StringComparison.Ordinal);
    }

    private Task<CliRun> ReplayAsync(params string[] arguments) =>
        CliRun.OfAsync(["journal", "replay", "web", "--store", store.Path, .. arguments]);

    private static string[] Words(string line) => line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
}
