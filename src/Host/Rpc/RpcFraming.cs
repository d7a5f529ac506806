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

    /// <summary>A buffer that is full makes place for one so many times as large.</summary>
    private const int GrowsTo = 4;

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
        int? length = await ReadLengthAsync(source, bytesMax, cancellationToken).ConfigureAwait(false);
        if (length is not { } bytes)
        {
            return null;
        }

        byte[] buffer = await ReadBytesAsync(source, bytes, pool: null, cancellationToken).ConfigureAwait(false);
        return buffer.AsMemory(0, bytes);
    }

    /// <inheritdoc cref="ReadAsync"/>
    /// <remarks>For large messages that are not kept.</remarks>
    public static async ValueTask<LentMessage?> ReadLentAsync(
        Stream source, int bytesMax, CancellationToken cancellationToken)
    {
        int? length = await ReadLengthAsync(source, bytesMax, cancellationToken).ConfigureAwait(false);
        return length is { } bytes
            ? new LentMessage(
                await ReadBytesAsync(source, bytes, ArrayPool<byte>.Shared, cancellationToken).ConfigureAwait(false),
                bytes)
            : null;
    }

    /// <param name="pool">Null: the buffer is kept.</param>
    /// <returns>A buffer that begins with the message, and is as large as it or larger.</returns>
    private static async ValueTask<byte[]> ReadBytesAsync(
        Stream source, int length, ArrayPool<byte>? pool, CancellationToken cancellationToken)
    {
        byte[] buffer = BufferOf(Math.Min(length, PieceBytes), pool);
        try
        {
            int read = 0;
            while (read < length)
            {
                if (read == buffer.Length)
                {
                    byte[] larger = BufferOf((int)Math.Min(length, (long)read * GrowsTo), pool);
                    buffer.CopyTo(larger, 0);
                    pool?.Return(buffer);
                    buffer = larger;
                }

                int room = Math.Min(length, buffer.Length) - read;
                int more = await source.ReadAsync(buffer.AsMemory(read, room), cancellationToken).ConfigureAwait(false);
                read += more > 0 ? more : throw Truncated(length, read);
            }

            return buffer;
        }
        catch
        {
            pool?.Return(buffer);
            throw;
        }
    }

    private static byte[] BufferOf(int bytes, ArrayPool<byte>? pool) => pool?.Rent(bytes) ?? new byte[bytes];

    /// <returns>Null at the end of the stream.</returns>
    private static async ValueTask<int?> ReadLengthAsync(
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
        return length <= bytesMax ? (int)length : throw TooLarge(length, bytesMax);
    }

    public static RpcException TooLarge(long length, int bytesMax) => new(
        RpcStatus.ResourceExhausted,
        string.Create(
            CultureInfo.InvariantCulture,
            $"Expected a message of at most {bytesMax} bytes, found {length}. Send less, or raise rpc.message-max."));

    private static RpcException Truncated(int expected, int found) => new(
        RpcStatus.Internal,
        string.Create(
            CultureInfo.InvariantCulture, $"Expected {expected} bytes, found the end of the stream after {found}."));
}
