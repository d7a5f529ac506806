// SPDX-License-Identifier: Apache-2.0

using System.Buffers;
using Google.Protobuf;

namespace KvmActors.Host.Rpc;

/// <summary>Turns messages into bytes and back.</summary>
/// <param name="Encode">Writes a message.</param>
/// <param name="Decode">Reads one; <see cref="InvalidProtocolBufferException"/> where the bytes are none.</param>
internal sealed record RpcCodec<T>(Action<T, IBufferWriter<byte>> Encode, Func<ReadOnlyMemory<byte>, T> Decode);

/// <summary>The codecs in use.</summary>
internal static class RpcCodec
{
    /// <summary>Messages and groups inside each other; deeper ones are none. It is the library's own bound, which a
    /// test holds; our messages are at most eight deep.</summary>
    public const int DepthMax = 100;

    /// <summary>Bytes that are already a message: the link between nodes encodes in its own room.</summary>
    public static RpcCodec<ReadOnlyMemory<byte>> Opaque { get; } =
        new((message, target) => target.Write(message.Span), bytes => bytes);

    public static RpcCodec<T> Of<T>(MessageParser<T> parser)
        where T : IMessage<T> =>
        new((message, target) => message.WriteTo(target), bytes => parser.ParseFrom(bytes.Span));
}
