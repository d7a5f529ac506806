// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using System.Diagnostics;
using KvmActors.Host.Rpc;
using KvmActors.Host.Security;
using KvmActors.Torture.Cluster;

namespace KvmActors.Torture.Clients;

/// <summary>Calls any node, and the next one until one answers.</summary>
internal sealed class ClusterClient(
    ImmutableArray<TortureNode> nodes, TlsCredentials? credentials, int seed) : IDisposable
{
    private const int MessageBytesMax = 64 << 20;

    private static readonly TimeSpan s_attemptMax = TimeSpan.FromSeconds(8);
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(4);
    private static readonly TimeSpan s_retryAfter = TimeSpan.FromMilliseconds(60);

    private readonly Random _random = new(seed);
    private readonly ImmutableArray<RpcChannel> _channels =
    [
        .. nodes.Select(node => new RpcChannel(
            node.Endpoint, MessageBytesMax, credentials is null ? null : new TlsDialer(credentials, nodeAt: null))),
    ];

    private int _attempts;

    /// <summary>Calls that were made, those without an answer among them.</summary>
    public int Attempts => _attempts;

    public void Dispose()
    {
        foreach (RpcChannel channel in _channels)
        {
            channel.Dispose();
        }
    }

    /// <exception cref="RpcException">Refused for good; or nobody answered in minutes.</exception>
    public async Task<TReply> CallAsync<TRequest, TReply>(RpcMethod<TRequest, TReply> method, TRequest request)
    {
        long begun = Stopwatch.GetTimestamp();
        while (true)
        {
            try
            {
                Interlocked.Increment(ref _attempts);
                return await Any().CallAsync(method, request, s_attemptMax, CancellationToken.None);
            }
            catch (RpcException fault) when (IsOpen(fault.Status) && Stopwatch.GetElapsedTime(begun) < s_patience)
            {
                await Task.Delay(s_retryAfter);
            }
        }
    }

    /// <summary>A stream of one node, whichever.</summary>
    public IAsyncEnumerable<TReply> StreamAsync<TRequest, TReply>(
        RpcMethod<TRequest, TReply> method, TRequest request, CancellationToken stop) =>
        Any().StreamAsync(method, request, stop);

    /// <summary>Whether the same call may be answered otherwise later, or elsewhere.</summary>
    private static bool IsOpen(RpcStatus status) => status
        is RpcStatus.Unavailable or RpcStatus.DeadlineExceeded or RpcStatus.ResourceExhausted or RpcStatus.Cancelled
        or RpcStatus.Unknown or RpcStatus.Internal;

    private RpcChannel Any()
    {
        lock (_random)
        {
            return _channels[_random.Next(_channels.Length)];
        }
    }
}
