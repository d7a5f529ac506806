// SPDX-License-Identifier: Apache-2.0

using System.Buffers.Binary;

namespace KvmActors.Host.Rpc.Multiplex;

/// <summary>Takes frames out of a stream, many from one read. One reader.</summary>
/// <param name="messageBytesMax">Largest message taken.</param>
internal sealed class FrameReader(Stream source, int messageBytesMax)
{
    private const int BufferBytes = 64 << 10;

    private byte[] _buffer = new byte[BufferBytes];
    private int _from;
    private int _to;

    /// <returns>The next frame; null at the end of the stream.</returns>
    /// <exception cref="RpcException">The bytes are no frames, or a message is too large.</exception>
    public async ValueTask<MultiplexFrame?> ReadAsync(CancellationToken cancellationToken)
    {
        if (!await FillAsync(RpcFraming.HeaderBytes, cancellationToken).ConfigureAwait(false))
        {
            return _to == _from ? null : throw Truncated();
        }

        uint length = BinaryPrimitives.ReadUInt32BigEndian(_buffer.AsSpan(_from + 1));
        if (_buffer[_from] != 0 || length > messageBytesMax)
        {
            throw new RpcException(
                RpcStatus.ResourceExhausted,
                $"Expected an uncompressed frame of at most {messageBytesMax} bytes, found flag {_buffer[_from]} and "
                + $"{length} bytes. Raise rpc.message-max.");
        }

        int frameBytes = RpcFraming.HeaderBytes + (int)length;
        if (!await FillAsync(frameBytes, cancellationToken).ConfigureAwait(false))
        {
            throw Truncated();
        }

        var frame = MultiplexFrame.Parse(_buffer.AsSpan(_from + RpcFraming.HeaderBytes, (int)length));
        _from += frameBytes;
        return frame;
    }

    /// <returns>False where the stream ends before so many bytes are there.</returns>
    private async ValueTask<bool> FillAsync(int bytes, CancellationToken cancellationToken)
    {
        if (_to - _from >= bytes)
        {
            return true;
        }

        MakeRoom(bytes);
        while (_to - _from < bytes)
        {
            int read = await source.ReadAsync(_buffer.AsMemory(_to), cancellationToken).ConfigureAwait(false);
            if (read == 0)
            {
                return false;
            }

            _to += read;
        }

        return true;
    }

    private void MakeRoom(int bytes)
    {
        byte[] target = bytes <= BufferBytes
            ? _buffer.Length == BufferBytes ? _buffer : new byte[BufferBytes]
            : _buffer.Length >= bytes ? _buffer : new byte[bytes];
        Buffer.BlockCopy(_buffer, _from, target, 0, _to - _from);
        (_buffer, _from, _to) = (target, 0, _to - _from);
    }

    private static RpcException Truncated() =>
        new(RpcStatus.Internal, "Expected a whole frame in a multiplexed stream, found its end.");
}
