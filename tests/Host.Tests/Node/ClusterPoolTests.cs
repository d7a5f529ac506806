// SPDX-License-Identifier: Apache-2.0

using System.Text.Json;
using KvmActors.Host.Tests.Cli;
using KvmActors.Host.Tests.Solo;

namespace KvmActors.Host.Tests.Node;

/// <summary>What <c>cluster status</c> tells of the CPUID pool, as nodes join.</summary>
public sealed class ClusterPoolTests : IDisposable
{
    private readonly GuestFiles _files = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public async Task A_node_that_joins_shows_what_it_does_to_the_pool_and_to_each_vm()
    {
        string store = _files.Path("store.db");
        await using LiveNode first = await LiveNode.StartAsync(
            store, "node-1", Settings("amd", "amd-epyc-9334.txt"));
        CliRun empty = await StatusAsync(first);
        Assert.Contains("POOL: 1 node, AuthenticAMD: ", empty.Out, StringComparison.Ordinal);

        CliRun created = await CliRun.OfAsync(
            "vm", "create", "web", "--image", _files.Sector(0x40, 0xEB, 0xFD), "--at", first.Address);
        Assert.Equal((0, ""), (created.ExitCode, created.Error));
        CliRun alone = await StatusAsync(first);
        Assert.Contains("\nweb can run on node-1.\n", alone.Out, StringComparison.Ordinal);

        await using LiveNode second = await LiveNode.StartAsync(
            store, "node-2", Settings("intel", "intel-xeon-platinum-9242.txt"));
        CliRun text = await StatusAsync(second);
        Assert.Equal((0, ""), (text.ExitCode, text.Error));
        Assert.Contains("POOL: 2 nodes, AuthenticAMD and GenuineIntel: ", text.Out, StringComparison.Ordinal);
        Assert.Contains("\nnode-2 alone costs: umip, ", text.Out, StringComparison.Ordinal);
        Assert.Contains(
            "\nweb can run on node-1.\n  Not on node-2, which lacks umip, ", text.Out, StringComparison.Ordinal);

        CliRun json = await StatusAsync(second, "--json");
        JsonElement pool = JsonDocument.Parse(json.Out).RootElement.GetProperty("pool");
        Assert.Equal(2, pool.GetProperty("nodes").GetArrayLength());
        Assert.True(pool.GetProperty("features").GetInt32() > 0);
        Assert.Equal("node-2", pool.GetProperty("shares")[1].GetProperty("node").GetString());
        Assert.Equal("node-1", pool.GetProperty("vms")[0].GetProperty("canRunOn")[0].GetString());
        JsonElement obstacle = pool.GetProperty("vms")[0].GetProperty("obstacles")[0];
        Assert.Equal("umip", obstacle.GetProperty("neverRead")[0].GetString());
        Assert.Equal(0, pool.GetProperty("problems").GetArrayLength());
    }

    private static string Settings(string vendor, string dump) =>
        $"kvmactors.node.host-vendor = {vendor}\n"
        + $"kvmactors.node.cpuid-source = \"file {Repository.File("samples/cpuid/" + dump)}\"";

    private static Task<CliRun> StatusAsync(LiveNode node, params string[] more) =>
        CliRun.OfAsync(["cluster", "status", "--at", node.Address, .. more]);
}
