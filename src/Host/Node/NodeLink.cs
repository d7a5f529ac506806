// SPDX-License-Identifier: Apache-2.0

using System.Collections.Concurrent;
using KvmActors.Actors.Cluster;
using KvmActors.Host.Rpc;

namespace KvmActors.Host.Node;

/// <summary>Calls between nodes, over gRPC's wire format: one connection for each peer.</summary>
internal sealed class NodeLink(int messageBytesMax) : INodeLink, IDisposable
{
    /// <summary>The one method of the link: the bytes are <c>link.proto</c>'s, whose owner is Actors.</summary>
    public static RpcMethod<ReadOnlyMemory<byte>, ReadOnlyMemory<byte>> Method { get; } =
        new("kvmactors.link.v1.Link", "Call", RpcCodec.Opaque, RpcCodec.Opaque);

    private readonly ConcurrentDictionary<string, RpcChannel> _channels = new(StringComparer.Ordinal);

    public async ValueTask<ReadOnlyMemory<byte>> CallAsync(
        string endpoint, ReadOnlyMemory<byte> request, CancellationToken cancellationToken)
    {
        RpcChannel channel = _channels.GetOrAdd(endpoint, address => new RpcChannel(address, messageBytesMax));
        try
        {
            return await channel.CallAsync(Method, request, timeout: null, cancellationToken).ConfigureAwait(false);
        }
        catch (RpcException fault)
        {
            throw new LinkException(
                $"{endpoint}: {fault.Message}", fault.WasSent ? LinkOutcome.Unknown : LinkOutcome.NotSent, fault);
        }
    }

    public void Dispose()
    {
        foreach (RpcChannel channel in _channels.Values)
        {
            channel.Dispose();
        }
    }
}
