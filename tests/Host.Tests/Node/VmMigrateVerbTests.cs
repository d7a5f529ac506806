// SPDX-License-Identifier: Apache-2.0

using System.Text.Json;
using KvmActors.Host.Tests.Cli;
using KvmActors.Host.Tests.Solo;
using KvmActors.Samples.Guests;

namespace KvmActors.Host.Tests.Node;

/// <summary>vm migrate of a VM of two vCPUs, through a node that does not run it.</summary>
public sealed class VmMigrateVerbTests : IAsyncLifetime, IDisposable
{
    private readonly GuestFiles _files = new();
    private LiveNode _source = null!;
    private LiveNode _target = null!;

    public async Task InitializeAsync()
    {
        string store = _files.Path("store.db");
        _source = await LiveNode.StartAsync(store, "node-1");
        _target = await LiveNode.StartAsync(store, "node-2");
        string image = _files.Path("echo.elf");
        await File.WriteAllBytesAsync(image, EchoGuest.Build(secondRests: true));
        await DoneAsync(
            "vm", "create", "web", "--image", image, "--vcpus", "2", "--memory", "16M", "--start",
            "--at", _source.Address);
    }

    public async Task DisposeAsync()
    {
        await _target.DisposeAsync();
        await _source.DisposeAsync();
    }

    public void Dispose() => _files.Dispose();

    [Fact]
    public async Task A_vm_of_two_vcpus_moves_and_back_and_says_how_it_went()
    {
        CliRun alone = await CliRun.OfAsync(
            "vcpu", "migrate", "web/1", "--to", "node-2", "--at", _target.Address);
        CliRun can = await AtAsync("vm", "migrate", "web", "--to", "node-2", "--dry-run");
        CliRun cannot = await CliRun.OfAsync(
            "vm", "migrate", "web", "--to", "node-1", "--dry-run", "--json", "--at", _target.Address);
        CliRun moved = await AtAsync("vm", "migrate", "web", "--to", "node-2");
        JsonElement back = JsonDocument.Parse((await AtAsync("vm", "migrate", "web", "--to", "node-1", "--json")).Out)
            .RootElement;

        Assert.Equal("web can be moved from node-1#1 to node-2#1.\n", can.Out);
        Assert.Equal(CliFault.Refused, cannot.ExitCode);
        Assert.False(JsonDocument.Parse(cannot.Out).RootElement.GetProperty("canMove").GetBoolean());
        Assert.Contains("Move the whole VM with: vm migrate web.", alone.Error, StringComparison.Ordinal);
        Assert.StartsWith(
            "web moved with 2 vCPUs from node-1#1 to node-2#1 at VM time ", moved.Out, StringComparison.Ordinal);
        Assert.Equal(("web", 2, "node-1#1", 3), (
            back.GetProperty("vm").GetString(),
            back.GetProperty("vcpus").GetInt32(),
            back.GetProperty("to").GetString(),
            back.GetProperty("epochTo").GetInt32()));
        Assert.True(back.GetProperty("downtimeMs").GetDouble() > 0);
        Assert.Equal(
            back.GetProperty("downtimeMs").GetDouble(),
            back.GetProperty("downtime").EnumerateObject().Sum(part => part.Value.GetDouble()),
            tolerance: 0.001);
        Assert.Contains("\n  pause ", moved.Out, StringComparison.Ordinal);
    }

    private Task<CliRun> AtAsync(params string[] arguments) => DoneAsync([.. arguments, "--at", _target.Address]);

    private static async Task<CliRun> DoneAsync(params string[] arguments)
    {
        CliRun run = await CliRun.OfAsync(arguments);
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        return run;
    }
}
