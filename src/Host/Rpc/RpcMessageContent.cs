// SPDX-License-Identifier: Apache-2.0

using System.Buffers.Binary;
using System.Net;

namespace KvmActors.Host.Rpc;

/// <summary>The body of a call with one request, which is sent from where it lies.</summary>
/// <param name="message">Used until <see cref="EndAsync"/> has ended.</param>
internal sealed class RpcMessageContent(ReadOnlyMemory<byte> message) : HttpContent
{
    private readonly SemaphoreSlim _sending = new(initialCount: 1);

    /// <summary>Not disposed of, as <see cref="_sending"/>: the request that this is a part of ends before it is needed
    /// last, and it has no timer.</summary>
    private readonly CancellationTokenSource _end = new();

    private bool _isOver;

    /// <summary>From here on the message may be changed. To be called once the call is over: what is still being sent
    /// is given up.</summary>
    /// <remarks>Takes no token, since its caller may not use the message before its end. It is soon: a write that waits
    /// for the server ends by a token of its own, whatever became of that of the call.</remarks>
    public async Task EndAsync()
    {
        await _end.CancelAsync().ConfigureAwait(false);
        await _sending.WaitAsync().ConfigureAwait(false);
        _isOver = true;
        _sending.Release();
    }

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(
        Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        await _sending.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            ObjectDisposedException.ThrowIf(_isOver, this);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _end.Token);
            byte[] header = new byte[RpcFraming.HeaderBytes];
            BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(1), message.Length);
            await stream.WriteAsync(header, either.Token).ConfigureAwait(false);
            await stream.WriteAsync(message, either.Token).ConfigureAwait(false);
        }
        finally
        {
            _sending.Release();
        }
    }

    protected override bool TryComputeLength(out long length)
    {
        length = RpcFraming.HeaderBytes + message.Length;
        return true;
    }
}
