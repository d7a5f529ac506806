// SPDX-License-Identifier: Apache-2.0

using System.Buffers.Binary;
using System.Net;

namespace KvmActors.Host.Rpc;

/// <summary>The body of a call with one request, which is sent from where it lies.</summary>
/// <param name="message">Used until <see cref="EndAsync"/> has ended.</param>
internal sealed class RpcMessageContent(ReadOnlyMemory<byte> message) : HttpContent
{
    private readonly SemaphoreSlim _sending = new(initialCount: 1);
    private bool _isOver;

    /// <summary>From here on the message may be changed. To be called once the call is over: what is still being sent
    /// is given up by then.</summary>
    public async Task EndAsync()
    {
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
            byte[] header = new byte[RpcFraming.HeaderBytes];
            BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(1), message.Length);
            await stream.WriteAsync(header, cancellationToken).ConfigureAwait(false);
            await stream.WriteAsync(message, cancellationToken).ConfigureAwait(false);
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
