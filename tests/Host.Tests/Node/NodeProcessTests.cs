// SPDX-License-Identifier: Apache-2.0

using KvmActors.Host.Tests.Solo;
using KvmActors.Persistence;
using KvmActors.Persistence.Membership;

namespace KvmActors.Host.Tests.Node;

/// <summary><c>node run</c> as people start it: exit codes, signals, and one message for each mistake.</summary>
public sealed class NodeProcessTests : IDisposable
{
    private readonly GuestFiles _files = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public async Task A_node_says_where_it_listens_and_leaves_when_asked()
    {
        using NodeProcess node = Start("node-1");
        Assert.StartsWith("node-1#1 listens at 127.0.0.1:", await node.ReadyAsync(), StringComparison.Ordinal);

        node.Terminate();

        (int exitCode, string errors) = await node.EndAsync();
        Assert.Equal(0, exitCode);
        Assert.Contains("node-1#1 left", errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_node_can_end_with_the_program_that_started_it()
    {
        using NodeProcess node = Start("node-1", "--until-input-ends");
        await node.ReadyAsync();

        node.CloseInput();

        Assert.Equal(0, (await node.EndAsync()).ExitCode);
    }

    [Fact]
    public async Task A_killed_nodes_name_is_free_at_once()
    {
        using (NodeProcess first = Start("node-1"))
        {
            await first.ReadyAsync();
            first.Kill();
            await first.EndAsync();
        }

        using NodeProcess second = Start("node-1", "--json");

        Assert.Contains("\"node\":\"node-1#2\"", await second.ReadyAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_killed_nodes_name_is_free_when_its_lease_is_over_where_a_peer_has_the_proof_of_its_death()
    {
        string config = $$"""
            kvmactors.node { name = node-1, link = "127.0.0.1:0", rehearsal = off }
            kvmactors.cluster { lease = 1500ms, renew = 500ms }
            kvmactors.store.path = "{{_files.Path("store.db")}}"
            """;
        using (NodeProcess first = StartWith(config))
        {
            await first.ReadyAsync();
            first.Kill();
            await first.EndAsync();
        }

        using var proof = NodeProcessLock.TryProveDead(_files.Path("store.db"), new NodeId("node-1#1"));
        using NodeProcess second = StartWith(config);

        Assert.NotNull(proof);
        Assert.StartsWith("node-1#2 listens", await second.ReadyAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_second_node_of_one_name_ends_with_one_message_and_harms_nobody()
    {
        using NodeProcess first = Start("node-1");
        await first.ReadyAsync();

        using NodeProcess second = Start("node-1");
        await AssertRefusedAsync(second, $"found node-1#1 (process {first.Id})");

        first.Terminate();
        Assert.Equal(0, (await first.EndAsync()).ExitCode);
    }

    [Fact]
    public async Task A_port_in_use_is_one_message()
    {
        using NodeProcess first = Start("node-1");
        string address = (await first.ReadyAsync())!.Split(' ')[^1].TrimEnd('.');

        using NodeProcess second = StartWith($"kvmactors.node {{ name = node-2, link = \"{address}\" }}");

        await AssertRefusedAsync(second, $"Expected {address} to be free for node.link");
    }

    [Theory]
    [InlineData("kvmactors.node.name = [", ":1:24: expected a value, found the end of the file.")]
    [InlineData("\nkvmactors.node.nam = x", ":2:22: expected a key of reference.conf, found kvmactors.node.nam.")]
    [InlineData("kvmactors.node.link = \"0.0.0.0:5101\"", ":1:23: expected a loopback address")]
    [InlineData("kvmactors.node.cpuid-source = \"file /nowhere/dump\"", "Expected a CPUID table at /nowhere/dump")]
    [InlineData("kvmactors.store.path = \"/nowhere/store.db\"", "/nowhere/store.db")]
    public async Task A_bad_configuration_is_one_message(string text, string expected)
    {
        using NodeProcess node = StartWith(text);

        await AssertRefusedAsync(node, expected);
    }

    [Fact]
    public async Task An_unknown_node_of_the_file_is_one_message()
    {
        using NodeProcess node = new(
            "node", "run", "--config", Repository.File("hocon/three-nodes.conf"), "--node", "node-4");

        await AssertRefusedAsync(node, "found \"node-4\". Choose one of: node-1, node-2, node-3.");
    }

    private static async Task AssertRefusedAsync(NodeProcess node, string expected)
    {
        Assert.Null(await node.ReadyAsync());
        (int exitCode, string errors) = await node.EndAsync();
        Assert.Equal(CliFault.Refused, exitCode);
        Assert.Contains(expected, errors, StringComparison.Ordinal);
        string[] lines = errors.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Single(lines, line => line.StartsWith("kvmactors: ", StringComparison.Ordinal));
        Assert.DoesNotContain("   at ", errors, StringComparison.Ordinal);
    }

    private NodeProcess Start(string name, params string[] options) => StartWith(
        $$"""
        kvmactors.node { name = {{name}}, link = "127.0.0.1:0", rehearsal = off }
        kvmactors.store.path = "{{_files.Path("store.db")}}"
        """,
        options);

    private NodeProcess StartWith(string text, params string[] options)
    {
        string file = _files.Text($"{Guid.NewGuid():n}.conf", text);
        return new NodeProcess(["node", "run", "--config", file, .. options]);
    }
}
