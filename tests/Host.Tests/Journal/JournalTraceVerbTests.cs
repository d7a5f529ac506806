// SPDX-License-Identifier: Apache-2.0

using System.Text.Json;
using KvmActors.Host.Tests.Cli;

namespace KvmActors.Host.Tests.Journal;

public sealed class JournalTraceVerbTests(RecordedStore store) : IClassFixture<RecordedStore>
{
    [Fact]
    public async Task The_first_instructions_are_shown_with_what_they_changed_and_the_rest_is_named()
    {
        CliRun run = await TraceAsync("--limit", "4");

        Assert.Equal(0, run.ExitCode);
        string[] lines = run.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Contains("web #1: Created from", run.Out, StringComparison.Ordinal);
        Assert.Equal(
            ["0", "0", "0010000c", "3d02b0ad2b", "cmp", "eax,", "0x2badb002", "rflags", "0x2", "->", "0x46"],
            Words(lines.First(line => line.Contains("0010000c", StringComparison.Ordinal))));
        Assert.Equal(4, lines.Count(line => !line.Contains("web", StringComparison.Ordinal)));
        Assert.StartsWith(
            "kvmactors: Left out: what follows the first 4 steps, from 4 to ", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_whole_life_is_counted()
    {
        CliRun shown = await CliRun.OfAsync("journal", "replay", "web", "--store", store.Path, "--json");
        ulong instructions = Json(shown).GetProperty("instructions").GetUInt64();

        CliRun run = await TraceAsync("--count", "--json");

        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        JsonElement counts = Json(run);
        Assert.Equal(instructions, counts.GetProperty("instructions").GetUInt64());
        Assert.Equal(instructions, Sum(counts, "vcpus"));
        Assert.Equal(instructions, Sum(counts, "mnemonics"));
        Assert.NotEqual(0, counts.GetProperty("hottest").GetArrayLength());
        Assert.Contains("#PF", Names(counts, "deliveries"));
        Assert.Contains("PatchApplied", Names(counts, "events"));
        CliRun text = await TraceAsync("--count");
        Assert.Contains("Hottest addresses", text.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Lines_of_json_have_types()
    {
        CliRun run = await TraceAsync("--json", "--registers", "--limit", "100000", "--to", "60000");

        JsonElement[] lines =
        [
            .. run.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries)
                .Select(line => JsonDocument.Parse(line).RootElement),
        ];
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        string[] types = [.. lines.Select(line => line.GetProperty("type").GetString()!).Distinct().Order()];
        Assert.Equal(["console", "delivery", "event", "instruction", "patch"], types);
        JsonElement first = lines.First(line => line.GetProperty("type").GetString() == "instruction");
        Assert.Equal("0", first.GetProperty("moment").GetString());
        Assert.Equal("0x46", first.GetProperty("registers").GetProperty("rflags")[1].GetString());
        Assert.Contains(lines, line => line.TryGetProperty("registers", out JsonElement registers)
            && registers.TryGetProperty("cr3", out _));
    }

    [Fact]
    public async Task The_end_is_shown()
    {
        CliRun count = await TraceAsync("--count", "--json");
        ulong end = ulong.Parse(Json(count).GetProperty("to").GetString()!);

        CliRun run = await TraceAsync("--from", $"{end - 3}");

        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.Contains("The guest ended itself through port 0xf4", run.Out, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Expected a VM of this store, found \"other\"", "other")]
    [InlineData("Expected start, end, a VM time", "web", "--from", "noon")]
    [InlineData("Expected a moment from 0 to ", "web", "--to", "900G")]
    [InlineData("Expected --to behind --from 1000, found 10.", "web", "--from", "1000", "--to", "10")]
    [InlineData("Expected a vCPU from 0 to 0, found 1.", "web", "--vcpu", "1")]
    public async Task What_is_not_there_is_refused(string sentence, params string[] arguments)
    {
        CliRun run = await CliRun.OfAsync(["journal", "trace", .. arguments, "--store", store.Path]);

        Assert.Equal(1, run.ExitCode);
        Assert.StartsWith($"kvmactors: {sentence}", run.Error, StringComparison.Ordinal);
    }

    private Task<CliRun> TraceAsync(params string[] arguments) =>
        CliRun.OfAsync(["journal", "trace", "web", "--store", store.Path, .. arguments]);

    private static JsonElement Json(CliRun run) => JsonDocument.Parse(run.Out).RootElement;

    private static ulong Sum(JsonElement counts, string list) => counts.GetProperty(list).EnumerateArray()
        .Aggregate(0ul, (sum, each) => sum + each.GetProperty("count").GetUInt64());

    private static string[] Names(JsonElement counts, string list) =>
        [.. counts.GetProperty(list).EnumerateArray().Select(each => each.GetProperty("name").GetString()!)];

    private static string[] Words(string line) => line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
}
