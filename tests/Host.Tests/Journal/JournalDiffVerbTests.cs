// SPDX-License-Identifier: Apache-2.0

using System.Text.Json;
using KvmActors.Host.Tests.Cli;

namespace KvmActors.Host.Tests.Journal;

public sealed class JournalDiffVerbTests(RecordedStore store) : IClassFixture<RecordedStore>
{
    [Fact]
    public async Task A_moment_is_equal_to_itself()
    {
        CliRun run = await DiffAsync("web@1M", "web@1M");

        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.Equal("Equal: web@1000000 and web@1000000, registers, devices and memory.\n", run.Out);
    }

    [Fact]
    public async Task Moments_differ_in_registers_devices_and_memory()
    {
        // mov esp, 0x121000 and mov [0x121000], ebx: the fourth and fifth instruction.
        CliRun text = await DiffAsync("web@3", "web@5");
        JsonElement report = Json(await DiffAsync("web@3", "web@5", "--json"));

        Assert.Equal((1, ""), (text.ExitCode, text.Error));
        Assert.Contains("vcpu0.rsp", text.Out, StringComparison.Ordinal);
        Assert.Contains("0x7c00 | 0x121000", text.Out, StringComparison.Ordinal);
        Assert.Contains("memory 0x12100", text.Out, StringComparison.Ordinal);
        Assert.False(report.GetProperty("equal").GetBoolean());
        string[] names = Names(report.GetProperty("fields"));
        Assert.Contains("vmTime", names);
        Assert.Contains("vcpu0.rip", names);
        Assert.DoesNotContain("vcpu0.rax", names);
        Assert.StartsWith("0x12100", report.GetProperty("memory")[0].GetProperty("physical").GetString());
    }

    [Fact]
    public async Task Runs_that_are_one_are_equal()
    {
        CliRun run = await DiffAsync("web", "web", "--runs", "--store-b", store.Path);

        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.StartsWith("Equal: registers and memory of web (A) and web (B) from VM time 0", run.Out);
    }

    [Theory]
    [InlineData("Expected a moment from 0 to ", "web@900G", "web")]
    [InlineData("Expected a VM of this store, found \"other\"", "web", "other")]
    [InlineData("Expected VMs without moments with --runs", "web@3", "web", "--runs")]
    public async Task What_is_not_there_is_refused(string sentence, params string[] arguments)
    {
        CliRun run = await DiffAsync(arguments);

        Assert.Equal(1, run.ExitCode);
        Assert.StartsWith($"kvmactors: {sentence}", run.Error, StringComparison.Ordinal);
    }

    private Task<CliRun> DiffAsync(params string[] arguments) =>
        CliRun.OfAsync(["journal", "diff", .. arguments, "--store", store.Path]);

    private static string[] Names(JsonElement list) =>
        [.. list.EnumerateArray().Select(each => each.GetProperty("name").GetString()!)];

    private static JsonElement Json(CliRun run) => JsonDocument.Parse(run.Out).RootElement;
}
