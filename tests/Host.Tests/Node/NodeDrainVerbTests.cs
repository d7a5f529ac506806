// SPDX-License-Identifier: Apache-2.0

using System.Globalization;
using System.Text.Json;
using KvmActors.Host.Tests.Cli;
using KvmActors.Host.Tests.Solo;
using KvmActors.Samples.Guests;

namespace KvmActors.Host.Tests.Node;

/// <summary>node drain and SIGTERM, with nodes that are processes as people start them.</summary>
public sealed class NodeDrainVerbTests : IDisposable
{
    private readonly GuestFiles _files = new();
    private readonly List<NodeProcess> _nodes = [];

    public void Dispose()
    {
        foreach (NodeProcess node in _nodes)
        {
            node.Dispose();
        }

        _files.Dispose();
    }

    [Fact]
    public async Task A_node_that_is_drained_gives_its_vms_to_the_others_and_ends()
    {
        string leaving = await StartAsync("node-1");
        string asked = await StartAsync("node-2");
        await StartAsync("node-3");
        await CreateAsync(leaving, "a", "b");

        CliRun drained = await CliRun.OfAsync("node", "drain", "node-1", "--at", asked);

        Assert.Equal((0, "", "node-1#1 has left; 2 VMs moved away.\n"), (drained.ExitCode, drained.Error, drained.Out));
        (int exitCode, string errors) = await _nodes[0].EndAsync();
        Assert.True(exitCode == 0, errors);
        Assert.Contains("node-1#1 drains: it takes no VM any more, and gives 2 away", errors, StringComparison.Ordinal);
        Assert.Equal(
            [("a", "running", 2), ("b", "running", 2)], await ListAsync(asked));
        CliRun gone = await CliRun.OfAsync("node", "drain", "node-1", "--at", asked);
        Assert.Equal(CliFault.Refused, gone.ExitCode);
        Assert.Contains("Expected a live node named node-1; found none.", gone.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_node_tells_its_own_drain_to_the_end()
    {
        string leaving = await StartAsync("node-1");
        await StartAsync("node-2");
        await CreateAsync(leaving, "a");

        CliRun drained = await CliRun.OfAsync("node", "drain", "node-1", "--json", "--at", leaving);

        JsonElement end = JsonDocument.Parse(drained.Out).RootElement;
        Assert.Equal(("node-1#1", 1, 0, true), (
            end.GetProperty("node").GetString(),
            end.GetProperty("moved").GetInt32(),
            end.GetProperty("left").GetInt32(),
            end.GetProperty("hasLeft").GetBoolean()));
        Assert.Empty(end.GetProperty("problems").EnumerateArray());
    }

    [Fact]
    public async Task What_fits_nowhere_is_named_and_stays_where_it_runs()
    {
        string full = await StartAsync("node-1");
        CliRun alone = await CreateAndDrainAsync(full, "a");
        await StartAsync("node-2", "kvmactors.vm.memory-all-max = 4M");

        CliRun drained = await CliRun.OfAsync("node", "drain", "node-1", "--at", full);

        Assert.Equal(CliFault.Refused, alone.ExitCode);
        Assert.Contains(
            "another active node to take the VMs of node-1#1; found none", alone.Error, StringComparison.Ordinal);
        Assert.Equal((CliFault.Refused, ""), (drained.ExitCode, drained.Error));
        Assert.StartsWith(
            "node-1#1 drains: 0 VMs moved away, 1 cannot be moved now:\n  a: Expected ",
            drained.Out,
            StringComparison.Ordinal);
        Assert.Contains("bytes of guest memory to be free on node-2#1", drained.Out, StringComparison.Ordinal);
        Assert.Equal([("a", "running", 1)], await ListAsync(full));
        CliRun create = await CliRun.OfAsync(
            "vm", "create", "late", "--image", _files.Path("echo.elf"), "--memory", "16M", "--at", full);
        Assert.Contains("Expected an active node named", create.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_node_that_is_asked_to_stop_moves_its_vms_first()
    {
        string leaving = await StartAsync("node-1", "kvmactors.node.drain-timeout = 10m");
        string other = await StartAsync("node-2");
        await CreateAsync(leaving, "a");

        _nodes[0].Terminate();

        (_, int exitCode, string errors) = await _nodes[0].OutputAsync();
        Assert.True(
            exitCode == 0 && errors.Contains("node-1#1 has given 1 VMs away", StringComparison.Ordinal), errors);
        string shown = (await CliRun.OfAsync("vm", "show", "a", "--json", "--at", other)).Out;
        JsonElement vm = JsonDocument.Parse(shown).RootElement;
        Assert.Equal("node-2#1", vm.GetProperty("owner").GetString());
        Assert.Equal(JsonValueKind.Null, vm.GetProperty("recovery").ValueKind);
    }

    private async Task<CliRun> CreateAndDrainAsync(string node, string vm)
    {
        await CreateAsync(node, vm);
        return await CliRun.OfAsync("node", "drain", "node-1", "--at", node);
    }

    /// <returns>Where it listens.</returns>
    private async Task<string> StartAsync(string name, string settings = "")
    {
        string config = _files.Path($"{name}.conf");
        await File.WriteAllTextAsync(
            config,
            $$"""
            kvmactors.node { name = {{name}}, link = "127.0.0.1:0" }
            kvmactors.store { path = "{{_files.Path("store.db")}}", synchronous = normal }
            {{settings}}
            """);
        NodeProcess node = new("node", "run", "--config", config);
        _nodes.Add(node);
        return (await node.ReadyAsync())!.Split(' ')[^1].TrimEnd('.');
    }

    private async Task CreateAsync(string node, params string[] vms)
    {
        string image = _files.Path("echo.elf");
        await File.WriteAllBytesAsync(image, EchoGuest.Build(secondRests: true));
        foreach (string vm in vms)
        {
            CliRun created = await CliRun.OfAsync(
                "vm", "create", vm, "--image", image, "--vcpus", "2", "--memory", "16M", "--start", "--at", node);
            Assert.Equal((0, ""), (created.ExitCode, created.Error));
        }
    }

    private static async Task<(string Name, string State, int Epoch)[]> ListAsync(string node)
    {
        CliRun list = await CliRun.OfAsync("vm", "list", "--json", "--at", node);
        return
        [
            .. JsonDocument.Parse(list.Out).RootElement.EnumerateArray().Select(vm => (
                vm.GetProperty("name").GetString()!,
                vm.GetProperty("state").GetString()!,
                int.Parse(vm.GetProperty("epoch").ToString(), CultureInfo.InvariantCulture))),
        ];
    }
}
