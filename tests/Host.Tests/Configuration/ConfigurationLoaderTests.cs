// SPDX-License-Identifier: Apache-2.0

using KvmActors.Host.Configuration;

namespace KvmActors.Host.Tests.Configuration;

public sealed class ConfigurationLoaderTests : IDisposable
{
    private readonly string _file = Path.GetTempFileName();

    public void Dispose() => File.Delete(_file);

    [Theory]
    [InlineData(
        "kvmactors.node.nme = x",
        ":1:22: expected a key of reference.conf, found kvmactors.node.nme. Did you mean kvmactors.node.name?")]
    [InlineData("kvmactors.nodes.n.node.lnk = x", "Did you mean kvmactors.node.link?")]
    [InlineData(
        "kvmactors { cluster { progress-interval = 1s } }",
        "Did you mean kvmactors.journal.progress-interval?")]
    [InlineData("kvmactor.node.name = x", "Did you mean kvmactors.node.name?")]
    [InlineData("entirely.something.different.altogether = 1", "Remove it, or look it up in hocon/reference.conf.")]
    [InlineData(
        "kvmactors.node.name = \"Node 1\"",
        ":1:23: expected 1 to 63 characters a-z, 0-9 and '-', first a letter for kvmactors.node.name, "
        + "found \"Node 1\".")]
    [InlineData("kvmactors.node.link = \"10.0.0.1:5101\"", "expected a loopback address")]
    [InlineData("kvmactors.node.link = \"127.0.0.1\"", "expected HOST:PORT")]
    [InlineData(
        "kvmactors.node.host-vendor = via",
        "expected one of host, intel, amd for kvmactors.node.host-vendor, found \"via\"")]
    [InlineData("kvmactors.node.cpuid-source = dump.txt", "expected \"host\" or \"file PATH\"")]
    [InlineData(
        "kvmactors.vm.slice = 20ms",
        "expected a duration from 00:00:00.0010000 to 00:00:00.0100000 for kvmactors.vm.slice, found \"20ms\"")]
    [InlineData("kvmactors.vm.memory = lots", "expected a size from 65536 to 68719476736 bytes")]
    [InlineData("kvmactors.vm.activation-failures-max = 0", "expected a whole number from 1 to 1000")]
    [InlineData("kvmactors.cluster.renew = 2s", "expected a duration from 00:00:00.0500000 to 00:00:01")]
    [InlineData("kvmactors.store.path = \"\"", "expected a file path")]
    [InlineData("kvmactors.store = 7", "expected")]
    [InlineData("kvmactors.log.level = [1]", "found an array")]
    [InlineData("kvmactors { node { name = ", ":1:27: expected a value")]
    public void A_mistake_is_one_message_with_its_place(string text, string expected)
    {
        File.WriteAllText(_file, text);

        CliFault fault = Assert.Throws<CliFault>(() => ConfigurationLoader.Load(_file, node: null));

        Assert.Contains(expected, fault.Message, StringComparison.Ordinal);
        Assert.StartsWith(_file + ":", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_root_of_the_users_own_is_allowed_where_a_substitution_uses_it()
    {
        File.WriteAllText(_file, "shared.name = web-7\nkvmactors.node.name = ${shared.name}");

        Assert.Equal("web-7", ConfigurationLoader.Load(_file, node: null).Node.Name);
    }

    [Fact]
    public void A_missing_file_is_one_message()
    {
        CliFault fault = Assert.Throws<CliFault>(() => ConfigurationLoader.Load("/nowhere/x.conf", node: null));

        Assert.StartsWith("Expected a configuration file at /nowhere/x.conf", fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null, "Choose one of: node-1, node-2, node-3.")]
    [InlineData("node-9", "found \"node-9\". Choose one of: node-1, node-2, node-3.")]
    public void A_file_of_several_nodes_wants_one_chosen(string? node, string expected)
    {
        CliFault fault = Assert.Throws<CliFault>(
            () => ConfigurationLoader.Load(Repository.File("hocon/three-nodes.conf"), node));

        Assert.EndsWith(expected, fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_node_is_not_chosen_from_a_file_without_nodes()
    {
        CliFault fault = Assert.Throws<CliFault>(
            () => ConfigurationLoader.Load(Repository.File("hocon/node.conf"), "node-2"));

        Assert.Contains("found no nodes there", fault.Message, StringComparison.Ordinal);
    }
}
