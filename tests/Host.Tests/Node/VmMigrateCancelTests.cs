// SPDX-License-Identifier: Apache-2.0

using System.Text.Json;
using KvmActors.Host.Tests.Cli;
using KvmActors.Host.Tests.Solo;
using KvmActors.Samples.Guests;

namespace KvmActors.Host.Tests.Node;

/// <summary>vm migrate --cancel of a move that takes its time.</summary>
public sealed class VmMigrateCancelTests : IAsyncLifetime, IDisposable
{
    private const string Slow = """
        kvmactors.migration.bandwidth-max = 40kB
        kvmactors.migration.compression = never
        """;

    private readonly GuestFiles _files = new();
    private LiveNode _source = null!;
    private LiveNode _target = null!;

    public async Task InitializeAsync()
    {
        string store = _files.Path("store.db");
        _source = await LiveNode.StartAsync(store, "node-1", Slow);
        _target = await LiveNode.StartAsync(store, "node-2");
        string image = _files.Path("echo.elf");
        await File.WriteAllBytesAsync(image, EchoGuest.Build(secondRests: true));
        await AtAsync("vm", "create", "web", "--image", image, "--vcpus", "2", "--memory", "16M", "--start");
    }

    public async Task DisposeAsync()
    {
        await _target.DisposeAsync();
        await _source.DisposeAsync();
    }

    public void Dispose() => _files.Dispose();

    [Fact]
    public async Task A_move_shows_how_far_it_is_and_is_cancelled_through_the_other_node()
    {
        Task<CliRun> moving = CliRun.OfAsync("vm", "migrate", "web", "--to", "node-2", "--at", _source.Address);
        JsonElement move = await WaitForMoveAsync();

        CliRun cancelled = await AtAsync("vm", "migrate", "web", "--cancel");
        CliRun moved = await moving;
        CliRun again = await CliRun.OfAsync("vm", "migrate", "web", "--cancel", "--at", _target.Address);
        CliRun both = await CliRun.OfAsync("vm", "migrate", "web", "--cancel", "--to", "node-2");

        Assert.Equal(("node-2#1", "preCopy"), (
            move.GetProperty("to").GetString(), move.GetProperty("phase").GetString()));
        Assert.Equal("web is not moved; it goes on on node-1#1.\n", cancelled.Out);
        Assert.Equal(CliFault.Refused, moved.ExitCode);
        Assert.Contains("found it cancelled", moved.Error, StringComparison.Ordinal);
        Assert.Equal(CliFault.Refused, again.ExitCode);
        Assert.Contains("none; it is on node-1#1", again.Error, StringComparison.Ordinal);
        Assert.Equal(CliFault.Usage, both.ExitCode);
    }

    private async Task<JsonElement> WaitForMoveAsync()
    {
        while (true)
        {
            JsonElement vm = JsonDocument.Parse((await AtAsync("vm", "show", "web", "--json")).Out).RootElement;
            JsonElement move = vm.GetProperty("move");
            if (move.ValueKind == JsonValueKind.Object && move.GetProperty("pagesSent").GetInt32() > 0)
            {
                return move;
            }
        }
    }

    private async Task<CliRun> AtAsync(params string[] arguments)
    {
        LiveNode asked = arguments[1] == "create" ? _source : _target;
        CliRun run = await CliRun.OfAsync([.. arguments, "--at", asked.Address]);
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        return run;
    }
}
