// SPDX-License-Identifier: Apache-2.0

using System.Text.Json;
using KvmActors.Host.Tests.Cli;
using KvmActors.Host.Tests.Solo;

namespace KvmActors.Host.Tests.Node;

/// <summary>The verbs of a cluster, against two nodes with sockets and a store file.</summary>
public sealed class ClusterVerbTests : IAsyncLifetime, IDisposable
{
    private readonly GuestFiles _files = new();
    private LiveNode _intel = null!;
    private LiveNode _amd = null!;

    public async Task InitializeAsync()
    {
        // One CPU for both, whatever this machine has.
        string cpuid = $"kvmactors.node.cpuid-source = \"file {Dump()}\"";
        string store = _files.Path("store.db");
        _intel = await LiveNode.StartAsync(store, "node-1", $"kvmactors.node.host-vendor = intel\n{cpuid}");
        _amd = await LiveNode.StartAsync(store, "node-2", $"kvmactors.node.host-vendor = amd\n{cpuid}");
    }

    public async Task DisposeAsync()
    {
        await _intel.DisposeAsync();
        await _amd.DisposeAsync();
    }

    public void Dispose() => _files.Dispose();

    [Fact]
    public async Task A_vm_is_created_run_moved_and_watched_through_any_node()
    {
        CliRun created = await OnAsync(
            _amd, "vm", "create", "web", "--image", Endless(), "--on", "node-1", "--start", "--json");
        Assert.Equal((0, ""), (created.ExitCode, created.Error));
        Assert.Equal("node-1#1", Json(created).GetProperty("owner").GetString());
        Assert.Equal("running", Json(created).GetProperty("state").GetString());

        CliRun moved = await OnAsync(_amd, "vcpu", "migrate", "web/0", "--to", "node-2", "--json");
        Assert.Equal((0, ""), (moved.ExitCode, moved.Error));
        Assert.Equal("node-2#1", Json(moved).GetProperty("to").GetString());
        Assert.Equal(2, Json(moved).GetProperty("epochTo").GetInt32());

        CliRun shown = await OnAsync(_intel, "vm", "show", "web", "--json");
        Assert.Equal("node-2#1", Json(shown).GetProperty("owner").GetString());
        Assert.Equal("amd", Json(shown).GetProperty("hostVendor").GetString());

        CliRun vcpu = await OnAsync(_intel, "vcpu", "show", "web/0", "--json");
        Assert.Equal(0, vcpu.ExitCode);
        string? rip = Json(vcpu).GetProperty("registers").GetProperty("rip").GetString();
        Assert.StartsWith("0x", rip, StringComparison.Ordinal);

        foreach ((string verb, string state) in (IEnumerable<(string, string)>)
            [("pause", "paused"), ("resume", "running"), ("stop", "stopped"), ("start", "running")])
        {
            CliRun order = await OnAsync(_intel, "vm", verb, "web");
            Assert.Equal((0, $"web is {state} on node-2#1.\n", ""), (order.ExitCode, order.Out, order.Error));
        }

        CliRun status = await OnAsync(_intel, "cluster", "status");
        Assert.Contains("node-1#1", status.Out, StringComparison.Ordinal);
        Assert.Contains("web", status.Out, StringComparison.Ordinal);
        CliRun list = await OnAsync(_intel, "vm", "list", "--json");
        Assert.Equal(1, Json(list).GetArrayLength());
    }

    [Fact]
    public async Task The_console_comes_whole_through_a_node_that_does_not_run_the_vm()
    {
        string image = _files.Story();
        CliRun alone = await CliRun.OfAsync("run", image, "--host-vendor", "intel", "--cpuid", Dump());
        CliRun created = await OnAsync(
            _intel, "vm", "create", "web", "--image", image, "--memory", "64M", "--cpuid", Dump(), "--start");
        Assert.Equal((0, ""), (created.ExitCode, created.Error));

        CliRun console = await OnAsync(_amd, "vm", "console", "web");

        Assert.Equal((0, ""), (console.ExitCode, console.Error));
        Assert.Equal(alone.Out, console.Out);
        CliRun tail = await OnAsync(_amd, "vm", "console", "web", "--from", "100", "--no-follow");
        Assert.Equal(alone.Out[100..], tail.Out);
        CliRun shown = await OnAsync(_amd, "vm", "show", "web");
        Assert.Contains("exit code", shown.Out, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("vm", "show", "none", "Expected a VM named none; found none.")]
    [InlineData("vm", "start", "none", "Expected a VM named none; found none.")]
    [InlineData("vm", "show", "No Name", "Expected a VM name")]
    [InlineData("vcpu", "show", "web", "Expected a vCPU as VM/INDEX, found \"web\".")]
    [InlineData("vcpu", "show", "none/0", "Expected a VM named none; found none.")]
    [InlineData("vm", "console", "none", "Expected a VM named none; found none.")]
    public async Task What_is_not_there_is_one_message(string group, string verb, string name, string expected)
    {
        CliRun run = await OnAsync(_intel, group, verb, name);

        AssertRefused(run, expected);
    }

    [Fact]
    public async Task A_move_to_an_unknown_node_is_refused_with_those_that_there_are()
    {
        await OnAsync(_intel, "vm", "create", "web", "--image", Endless(), "--start");

        CliRun run = await OnAsync(_intel, "vcpu", "migrate", "web/0", "--to", "node-9");

        AssertRefused(run, "Expected an active node named node-9; found node-1, node-2.");
    }

    [Fact]
    public async Task A_name_that_is_taken_is_refused()
    {
        await OnAsync(_intel, "vm", "create", "web", "--image", Endless());

        AssertRefused(await OnAsync(_amd, "vm", "create", "web", "--image", Endless()), "web");
    }

    [Theory]
    [InlineData("--memory", "64K", "Expected")]
    [InlineData("--vcpus", "17", "Expected 1 to 16 vCPUs, found 17")]
    [InlineData("--cpuid", "baseline:node-7", "Expected an active node named \"node-7\"")]
    [InlineData("--cpuid", "/nowhere/dump", "Expected a CPUID table at /nowhere/dump")]
    [InlineData("--on", "node-7", "Expected an active node named \"node-7\"")]
    public async Task A_vm_that_cannot_be_made_is_refused(string option, string value, string expected)
    {
        CliRun run = await OnAsync(_intel, "vm", "create", "web", "--image", _files.Story(), option, value);

        AssertRefused(run, expected);
        Assert.Equal("[]\n", (await OnAsync(_intel, "vm", "list", "--json")).Out);
    }

    [Fact]
    public async Task A_broken_image_is_refused_with_its_reason()
    {
        CliRun run = await OnAsync(_intel, "vm", "create", "web", "--image", Repository.File("LICENSE"));

        AssertRefused(run, "multiboot");
    }

    [Fact]
    public async Task A_second_live_node_of_one_name_is_refused()
    {
        CliFault fault = await Assert.ThrowsAsync<CliFault>(
            () => LiveNode.StartAsync(_files.Path("store.db"), "node-1"));

        Assert.StartsWith(
            $"Expected no live node named node-1, found node-1#1 (process {Environment.ProcessId}) at "
            + $"{_intel.Address}.",
            fault.Message,
            StringComparison.Ordinal);
        Assert.True(_intel.Host.Node.HoldsLease);
    }

    [Fact]
    public async Task Nobody_at_the_address_is_told_at_once()
    {
        CliRun run = await CliRun.OfAsync("vm", "list", "--at", "127.0.0.1:1");

        AssertRefused(run, "Expected a node at 127.0.0.1:1, found none that answers");
    }

    private static void AssertRefused(CliRun run, string expected)
    {
        Assert.Equal(CliFault.Refused, run.ExitCode);
        Assert.Empty(run.Out);
        Assert.Contains(expected, run.Error, StringComparison.Ordinal);
        Assert.StartsWith("kvmactors: ", run.Error, StringComparison.Ordinal);
        Assert.Single(run.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    private static JsonElement Json(CliRun run) => JsonDocument.Parse(run.Out).RootElement;

    private static Task<CliRun> OnAsync(LiveNode node, params string[] arguments) =>
        CliRun.OfAsync([.. arguments, "--at", node.Address]);

    private static string Dump() => Repository.File("samples/cpuid/intel-xeon-platinum-9242.txt");

    /// <summary>A guest that never ends: inc ax; jmp back.</summary>
    private string Endless() => _files.Sector(0x40, 0xEB, 0xFD);
}
