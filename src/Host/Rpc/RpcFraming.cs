// SPDX-License-Identifier: Apache-2.0

using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;

namespace KvmActors.Host.Rpc;

/// <summary>gRPC's length-prefixed messages.</summary>
/// <remarks>
/// Layout: 0 compressed flag (1), 1 length, big-endian (4), 5 message. Compression is never offered, so a set flag is
/// an error. Source: grpc/grpc, doc/PROTOCOL-HTTP2.md.
/// </remarks>
internal static class RpcFraming
{
    public const int HeaderBytes = 5;

    /// <summary>A message is read in pieces of at most this size, so that a length alone costs no memory.</summary>
    private const int PieceBytes = 256 * 1024;

    /// <exception cref="RpcException">ResourceExhausted: the message is larger than
    /// <paramref name="bytesMax"/>.</exception>
    public static ReadOnlyMemory<byte> Frame<T>(RpcCodec<T> codec, T message, int bytesMax)
    {
        ArrayBufferWriter<byte> body = new();
        codec.Encode(message, body);
        if (body.WrittenCount > bytesMax)
        {
            throw TooLarge(body.WrittenCount, bytesMax);
        }

        byte[] frame = new byte[HeaderBytes + body.WrittenCount];
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(1), body.WrittenCount);
        body.WrittenSpan.CopyTo(frame.AsSpan(HeaderBytes));
        return frame;
    }

    /// <returns>The next message, or null at the end of the stream.</returns>
    /// <exception cref="RpcException">The bytes are no frame, or the message is larger than
    /// <paramref name="bytesMax"/>.</exception>
    public static async ValueTask<ReadOnlyMemory<byte>?> ReadAsync(
        Stream source, int bytesMax, CancellationToken cancellationToken)
    {
        byte[] header = new byte[HeaderBytes];
        int read = await source.ReadAtLeastAsync(
            header, HeaderBytes, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false);
        if (read == 0)
        {
            return null;
        }

        if (read < HeaderBytes)
        {
            throw Truncated(HeaderBytes, read);
        }

        if (header[0] != 0)
        {
            throw new RpcException(
                RpcStatus.Unimplemented, $"Expected an uncompressed message, found flag {header[0]}. Use identity.");
        }

        uint length = BinaryPrimitives.ReadUInt32BigEndian(header.AsSpan(1));
        return length <= bytesMax
            ? await ReadMessageAsync(source, (int)length, cancellationToken).ConfigureAwait(false)
            : throw TooLarge(length, bytesMax);
    }

    private static async ValueTask<ReadOnlyMemory<byte>> ReadMessageAsync(
        Stream source, int length, CancellationToken cancellationToken)
    {
        ArrayBufferWriter<byte> message = new(Math.Clamp(length, 1, PieceBytes));
        while (message.WrittenCount < length)
        {
            int left = length - message.WrittenCount;
            Memory<byte> piece = message.GetMemory(Math.Min(left, PieceBytes));
            piece = piece[..Math.Min(left, piece.Length)];
            int read = await source.ReadAsync(piece, cancellationToken).ConfigureAwait(false);
            if (read == 0)
            {
                throw Truncated(length, message.WrittenCount);
            }

            message.Advance(read);
        }

        return message.WrittenMemory;
    }

    private static RpcException TooLarge(long length, int bytesMax) => new(
        RpcStatus.ResourceExhausted,
        string.Create(
            CultureInfo.InvariantCulture,
            $"Expected a message of at most {bytesMax} bytes, found {length}. Send less, or raise rpc.message-max."));

    private static RpcException Truncated(int expected, int found) => new(
        RpcStatus.Internal,
        string.Create(
            CultureInfo.InvariantCulture, $"Expected {expected} bytes, found the end of the stream after {found}."));
}
