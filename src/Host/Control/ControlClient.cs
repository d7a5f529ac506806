// SPDX-License-Identifier: Apache-2.0

using System.Runtime.CompilerServices;
using KvmActors.Host.Control.V1;
using KvmActors.Host.Rpc;
using KvmActors.Host.Security;

namespace KvmActors.Host.Control;

/// <summary>A client of the control API through one node.</summary>
/// <remarks>What the cluster cannot do right now is asked again, under the same command id, for up to
/// <see cref="PatienceMax"/>: a VM that is being moved or rebuilt is back in a moment. A node that cannot be reached at
/// all is told at once.</remarks>
internal sealed class ControlClient : IDisposable
{
    /// <summary>How long a call is tried again.</summary>
    public static readonly TimeSpan PatienceMax = TimeSpan.FromSeconds(20);

    /// <summary>As large as a node may be configured to send.</summary>
    private const int MessageBytesMax = 256 << 20;

    private static readonly TimeSpan s_retryAfter = TimeSpan.FromMilliseconds(100);

    private readonly RpcChannel _channel;
    private readonly string _clientId = $"client-{Guid.NewGuid():n}";
    private int _commands;

    /// <param name="address">HOST:PORT of any node.</param>
    /// <param name="credentials">Null: without TLS.</param>
    public ControlClient(string address, TlsCredentials? credentials = null) => _channel = new RpcChannel(
        address, MessageBytesMax, credentials is null ? null : new TlsDialer(credentials, nodeAt: null));

    public void Dispose() => _channel.Dispose();

    /// <summary>Names a new command.</summary>
    public CommandRef NextCommand() => new()
    {
        ClientId = _clientId,
        CommandId = Interlocked.Increment(ref _commands).ToString(System.Globalization.CultureInfo.InvariantCulture),
    };

    /// <exception cref="RpcException">Refused, or not answered in time.</exception>
    public async Task<TReply> CallAsync<TRequest, TReply>(
        RpcMethod<TRequest, TReply> method, TRequest request, CancellationToken cancellationToken)
    {
        long begun = TimeProvider.System.GetTimestamp();
        while (true)
        {
            try
            {
                return await _channel.CallAsync(method, request, timeout: null, cancellationToken)
                    .ConfigureAwait(false);
            }
            catch (RpcException fault) when (MayComeBack(fault, begun))
            {
                await Task.Delay(s_retryAfter, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Sends requests as they come. It is not tried again: what was sent is gone.</summary>
    /// <exception cref="RpcException">Refused, or not answered.</exception>
    public Task<TReply> UploadAsync<TRequest, TReply>(
        RpcMethod<TRequest, TReply> method, IAsyncEnumerable<TRequest> requests, CancellationToken cancellationToken) =>
        _channel.UploadAsync(method, requests, cancellationToken);

    /// <summary>Replies as they come. Until the first one, the call is tried again as any other.</summary>
    /// <exception cref="RpcException">Refused, or not answered in time.</exception>
    public async IAsyncEnumerable<TReply> StreamAsync<TRequest, TReply>(
        RpcMethod<TRequest, TReply> method,
        TRequest request,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        IAsyncEnumerator<TReply> replies = await BeginAsync(method, request, cancellationToken).ConfigureAwait(false);
        await using ConfiguredAsyncDisposable end = replies.ConfigureAwait(false);
        do
        {
            if (replies.Current is { } reply)
            {
                yield return reply;
            }
        }
        while (await replies.MoveNextAsync().ConfigureAwait(false));
    }

    /// <returns>At the first reply, or at the end where there is none.</returns>
    private async Task<IAsyncEnumerator<TReply>> BeginAsync<TRequest, TReply>(
        RpcMethod<TRequest, TReply> method, TRequest request, CancellationToken cancellationToken)
    {
        long begun = TimeProvider.System.GetTimestamp();
        while (true)
        {
            IAsyncEnumerator<TReply> replies = _channel.StreamAsync(method, request, cancellationToken)
                .GetAsyncEnumerator(cancellationToken);
            try
            {
                await replies.MoveNextAsync().ConfigureAwait(false);
                return replies;
            }
            catch (RpcException fault) when (MayComeBack(fault, begun))
            {
                await replies.DisposeAsync().ConfigureAwait(false);
                await Task.Delay(s_retryAfter, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private static bool MayComeBack(RpcException fault, long begun) =>
        fault is { Status: RpcStatus.Unavailable or RpcStatus.ResourceExhausted, WasSent: true }
        && fault.InnerException is null
        && TimeProvider.System.GetElapsedTime(begun) < PatienceMax;
}
