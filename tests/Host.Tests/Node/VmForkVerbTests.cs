// SPDX-License-Identifier: Apache-2.0

using System.Text.Json;
using KvmActors.Host.Tests.Cli;
using KvmActors.Host.Tests.Solo;

namespace KvmActors.Host.Tests.Node;

/// <summary>vm fork on a live cluster of two nodes whose host vendors differ.</summary>
public sealed class VmForkVerbTests : IAsyncLifetime, IDisposable
{
    private readonly GuestFiles _files = new();
    private LiveNode _amd = null!;
    private LiveNode _intel = null!;

    private string Store => _files.Path("store.db");

    public async Task InitializeAsync()
    {
        string cpuid = $"kvmactors.node.cpuid-source = \"file {Dump()}\"";
        _amd = await LiveNode.StartAsync(Store, "node-1", $"kvmactors.node.host-vendor = amd\n{cpuid}");
        _intel = await LiveNode.StartAsync(Store, "node-2", $"kvmactors.node.host-vendor = intel\n{cpuid}");
        await DoneAsync(
            "vm", "create", "web", "--image", _files.Story(), "--memory", "64M", "--cpuid", Dump(), "--start",
            "--at", _amd.Address);
        await ConsoleAsync("web");
    }

    public async Task DisposeAsync()
    {
        await _amd.DisposeAsync();
        await _intel.DisposeAsync();
    }

    public void Dispose() => _files.Dispose();

    [Fact]
    public async Task A_fork_of_any_moment_comes_to_the_end_of_the_other_and_its_journal_holds()
    {
        string console = await ConsoleAsync("web");

        JsonElement forked = Json(await ForkAsync("web", "2.5M", "again", "--json"));
        CliRun moved = await ForkAsync("web", "1M", "moved", "--node", "node-2", "--start");

        Assert.Equal((2_500_000ul, "created", "node-1#1"), (
            forked.GetProperty("vmTime").GetUInt64(),
            forked.GetProperty("state").GetString(),
            forked.GetProperty("owner").GetString()));
        await DoneAsync("vm", "start", "again", "--at", _amd.Address);
        Assert.Equal(console, await ConsoleAsync("again"));
        Assert.Equal(console, await ConsoleAsync("moved"));
        Assert.Contains("node-2#1", moved.Out, StringComparison.Ordinal);
        foreach (string vm in new[] { "again", "moved", "web" })
        {
            await DoneAsync("journal", "verify", vm, "--store", Store);
            await DoneAsync("journal", "replay", vm, "--store", Store, "--verify");
        }

        CliRun shown = await DoneAsync("journal", "show", "again", "--store", Store);
        Assert.Contains("Forked from web at VM time 2500000", shown.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_fork_of_the_end_lives_its_last_instruction_again_and_a_fork_can_be_forked()
    {
        string console = await ConsoleAsync("web");
        JsonElement web = Json(await DoneAsync("vm", "show", "web", "--json", "--at", _amd.Address));

        JsonElement last = Json(await ForkAsync("web", "end", "last", "--start", "--json"));
        await ForkAsync("web", "start", "first", "--start");
        Assert.Equal(console, await ConsoleAsync("first"));
        await ForkAsync("first", "2M", "second", "--start");

        Assert.Equal(console, await ConsoleAsync("last"));
        Assert.Equal(console, await ConsoleAsync("second"));
        Assert.InRange(last.GetProperty("vmTime").GetUInt64(), 0ul, web.GetProperty("vmTime").GetUInt64());
        JsonElement ended = Json(await DoneAsync("vm", "show", "last", "--json", "--at", _amd.Address));
        Assert.Equal(web.GetProperty("vmTime").GetUInt64(), ended.GetProperty("vmTime").GetUInt64());
        Assert.Equal(web.GetProperty("end").GetString(), ended.GetProperty("end").GetString());
    }

    [Fact]
    public async Task A_fork_with_another_cpuid_parts_at_the_instruction_that_reads_it()
    {
        await ForkAsync("web", "start", "what-if");
        CliRun got = await DoneAsync("vcpu", "cpuid", "get", "web/0", "--format", "raw", "--at", _amd.Address);
        string table = got.Out.Replace("eax=0x00050657", "eax=0x00050656", StringComparison.Ordinal);
        Assert.NotEqual(got.Out, table);
        await DoneAsync(
            "vcpu", "cpuid", "set", "what-if/0", _files.Text("table.txt", table), "--at", _amd.Address);
        await DoneAsync("vm", "start", "what-if", "--at", _amd.Address);
        await ConsoleAsync("what-if");

        CliRun text = await CliRun.OfAsync("journal", "diff", "web", "what-if", "--runs", "--store", Store);
        JsonElement report = Json(await CliRun.OfAsync(
            "journal", "diff", "web", "what-if", "--runs", "--store", Store, "--json"));

        Assert.Equal((1, ""), (text.ExitCode, text.Error));
        Assert.Contains("vcpu0.cpuid[0x1.0].eax", text.Out, StringComparison.Ordinal);
        Assert.Contains("0x50657 | 0x50656", text.Out, StringComparison.Ordinal);
        Assert.Equal("cpuid", report.GetProperty("firstStep").GetProperty("text").GetString());
        Assert.Equal("0fa2", report.GetProperty("secondStep").GetProperty("bytes").GetString());
        Assert.Contains("rax 0x1 -> 0x50656", report.GetProperty("secondStep").GetProperty("changes").EnumerateArray()
            .Select(change => change.GetString()));
    }

    [Theory]
    [InlineData("Expected a moment from 0 to ", "web", "900G", "new")]
    [InlineData("Expected a settled moment to fork at, found 10+1", "web", "10+1", "new")]
    [InlineData("Expected a VM named nobody in the store, found none.", "nobody", "10", "new")]
    [InlineData("", "web", "10", "web")]
    public async Task What_cannot_be_forked_is_refused(string sentence, string vm, string moment, string name)
    {
        CliRun run = await CliRun.OfAsync(
            "vm", "fork", vm, "--at", moment, "--as", name, "--link", _amd.Address);

        Assert.Equal(1, run.ExitCode);
        Assert.Empty(run.Out);
        Assert.Contains(sentence, run.Error, StringComparison.Ordinal);
    }

    private Task<CliRun> ForkAsync(string vm, string moment, string name, params string[] more) => DoneAsync(
        ["vm", "fork", vm, "--at", moment, "--as", name, "--link", _amd.Address, .. more]);

    private async Task<string> ConsoleAsync(string vm) =>
        (await DoneAsync("vm", "console", vm, "--at", _amd.Address)).Out;

    private static async Task<CliRun> DoneAsync(params string[] arguments)
    {
        CliRun run = await CliRun.OfAsync(arguments);
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        return run;
    }

    private static JsonElement Json(CliRun run) => JsonDocument.Parse(run.Out).RootElement;

    private static string Dump() => Repository.File("samples/cpuid/intel-xeon-platinum-9242.txt");
}
