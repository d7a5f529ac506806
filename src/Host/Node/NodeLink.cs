// SPDX-License-Identifier: Apache-2.0

using System.Collections.Concurrent;
using KvmActors.Actors.Cluster;
using KvmActors.Host.Rpc;
using KvmActors.Host.Rpc.Multiplex;
using KvmActors.Host.Security;
using Microsoft.Extensions.Logging;

namespace KvmActors.Host.Node;

/// <summary>Calls between nodes, over gRPC's wire format: one connection for each peer. Small ones share a stream, so
/// that many cost little; a large one, such as the pages of a move, is a call of its own.</summary>
/// <param name="tls">Null: plain HTTP/2, between processes of one machine.</param>
internal sealed class NodeLink(int messageBytesMax, TlsDialer? tls, ILogger log) : INodeLink, IDisposable
{
    /// <summary>The one method of the link: the bytes are <c>link.proto</c>'s, whose owner is Actors.</summary>
    public static RpcMethod<ReadOnlyMemory<byte>, ReadOnlyMemory<byte>> Method { get; } =
        new("kvmactors.link.v1.Link", "Call", RpcCodec.Opaque, RpcCodec.Opaque);

    /// <summary>Where the same calls go over one stream. A peer of an earlier version has only the method.</summary>
    public static string StreamPath => "/kvmactors.link.v1.Link/Stream";

    /// <summary>Largest request that goes over the stream: it must not keep others waiting.</summary>
    private const int StreamedBytesMax = 16 << 10;

    private readonly ConcurrentDictionary<string, Peer> _peers = new(StringComparer.Ordinal);

    /// <summary>A peer may be asked many times a second: its refusal is told this often at most.</summary>
    private static readonly TimeSpan s_tellEvery = TimeSpan.FromSeconds(30);

    /// <summary>By endpoint, when a refusal was told last.</summary>
    private readonly ConcurrentDictionary<string, long> _toldAt = new(StringComparer.Ordinal);

    public async ValueTask<ReadOnlyMemory<byte>> CallAsync(
        string endpoint, ReadOnlyMemory<byte> request, CancellationToken cancellationToken)
    {
        Peer peer = _peers.GetOrAdd(endpoint, address => new Peer(new RpcChannel(address, messageBytesMax, tls)));
        try
        {
            return await peer.CallAsync(request, cancellationToken).ConfigureAwait(false);
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
        foreach (Peer peer in _peers.Values)
        {
            peer.Dispose();
        }
    }

    /// <summary>One peer's connection, with the stream on it that is open.</summary>
    private sealed class Peer(RpcChannel channel) : IDisposable
    {
        private readonly Lock _gate = new();
        private MultiplexClient? _stream;
        private bool _hasNoStream;

        /// <summary>It was answered over.</summary>
        private volatile bool _hasStream;

        public ValueTask<ReadOnlyMemory<byte>> CallAsync(
            ReadOnlyMemory<byte> request, CancellationToken cancellationToken) =>
            request.Length > StreamedBytesMax || Stream() is not { } stream ? CallAloneAsync(request, cancellationToken)
            : _hasStream ? stream.CallAsync(request, cancellationToken)
            : TryStreamAsync(stream, request, cancellationToken);

        private async ValueTask<ReadOnlyMemory<byte>> TryStreamAsync(
            MultiplexClient stream, ReadOnlyMemory<byte> request, CancellationToken cancellationToken)
        {
            try
            {
                ReadOnlyMemory<byte> reply = await stream.CallAsync(request, cancellationToken).ConfigureAwait(false);
                _hasStream = true;
                return reply;
            }
            catch (RpcException fault) when (fault.Status == RpcStatus.Unimplemented && stream.IsOver)
            {
                // A peer of an earlier version has no such stream, and so has read nothing of it.
                return await CallAloneAsync(request, cancellationToken).ConfigureAwait(false);
            }
        }

        private ValueTask<ReadOnlyMemory<byte>> CallAloneAsync(
            ReadOnlyMemory<byte> request, CancellationToken cancellationToken) =>
            new(channel.CallAsync(Method, request, cancellationToken));

        public void Dispose()
        {
            _stream?.Dispose();
            channel.Dispose();
        }

        private MultiplexClient? Stream()
        {
            if (Volatile.Read(ref _stream) is { IsOver: false } open)
            {
                return open;
            }

            lock (_gate)
            {
                if (_stream is { IsOver: true } over)
                {
                    _hasNoStream |= over.End!.Status == RpcStatus.Unimplemented;
                    _hasStream = false;
                    over.Dispose();
                    _stream = null;
                }

                return _hasNoStream ? null : _stream ??= channel.OpenMultiplexed(StreamPath);
            }
        }
    }
}
