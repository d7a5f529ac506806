// SPDX-License-Identifier: Apache-2.0

using KvmActors.Host.Configuration;
using KvmActors.Host.Hocon;
using KvmActors.Host.Node;
using Microsoft.Extensions.Logging.Abstractions;

namespace KvmActors.Host.Tests.Node;

/// <summary>A node of this process: with sockets, a store file and threads as a process has them.</summary>
internal sealed class LiveNode : IAsyncDisposable
{
    private LiveNode(NodeHost host) => Host = host;

    public NodeHost Host { get; }

    public string Address => Host.Address;

    /// <param name="store">The file that the nodes of one cluster share.</param>
    /// <param name="settings">More HOCON, laid over the defaults.</param>
    public static async Task<LiveNode> StartAsync(string store, string name, string settings = "")
    {
        HostOptions options = OptionsOf(store, name, settings);
        return new LiveNode(await NodeHost.StartAsync(options, NullLoggerFactory.Instance, CancellationToken.None));
    }

    public static HostOptions OptionsOf(string store, string name, string settings) => ConfigurationLoader.Bind(
        HoconDocument.Parse(
            "test.conf",
            $"""
            kvmactors.node.name = "{name}"
            kvmactors.node.link = "127.0.0.1:0"
            kvmactors.store.path = "{store}"
            kvmactors.store.synchronous = normal
            {settings}
            """));

    public async ValueTask DisposeAsync()
    {
        await Host.StopAsync();
        await Host.DisposeAsync();
    }
}
