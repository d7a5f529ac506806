// SPDX-License-Identifier: Apache-2.0

using System.Collections.Concurrent;
using KvmActors.Actors.Cluster;
using KvmActors.Host.Rpc;
using KvmActors.Host.Security;
using Microsoft.Extensions.Logging;

namespace KvmActors.Host.Node;

/// <summary>Calls between nodes, over gRPC's wire format: one connection for each peer.</summary>
/// <param name="tls">Null: plain HTTP/2, between processes of one machine.</param>
internal sealed class NodeLink(int messageBytesMax, TlsDialer? tls, ILogger log) : INodeLink, IDisposable
{
    /// <summary>The one method of the link: the bytes are <c>link.proto</c>'s, whose owner is Actors.</summary>
    public static RpcMethod<ReadOnlyMemory<byte>, ReadOnlyMemory<byte>> Method { get; } =
        new("kvmactors.link.v1.Link", "Call", RpcCodec.Opaque, RpcCodec.Opaque);

    private readonly ConcurrentDictionary<string, RpcChannel> _channels = new(StringComparer.Ordinal);

    /// <summary>A peer may be asked many times a second: its refusal is told this often at most.</summary>
    private static readonly TimeSpan s_tellEvery = TimeSpan.FromSeconds(30);

    /// <summary>By endpoint, when a refusal was told last.</summary>
    private readonly ConcurrentDictionary<string, long> _toldAt = new(StringComparer.Ordinal);

    public async ValueTask<ReadOnlyMemory<byte>> CallAsync(
        string endpoint, ReadOnlyMemory<byte> request, CancellationToken cancellationToken)
    {
        RpcChannel channel = _channels.GetOrAdd(endpoint, address => new RpcChannel(address, messageBytesMax, tls));
        try
        {
            return await channel.CallAsync(Method, request, timeout: null, cancellationToken).ConfigureAwait(false);
        }
        catch (RpcException fault)
        {
            bool isRefusal = fault.Status is RpcStatus.Unauthenticated or RpcStatus.PermissionDenied;
            if (isRefusal && (!_toldAt.TryGetValue(endpoint, out long told)
                || TimeProvider.System.GetElapsedTime(told) > s_tellEvery))
            {
                _toldAt[endpoint] = TimeProvider.System.GetTimestamp();
                log.LinkRefused(endpoint, fault.Message);
            }

            throw new LinkException(
                $"{endpoint}: {fault.Message.TrimEnd('.')}",
                fault.WasSent && !isRefusal ? LinkOutcome.Unknown : LinkOutcome.NotSent,
                fault);
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
