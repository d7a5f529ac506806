// SPDX-License-Identifier: Apache-2.0

using System.Buffers;
using System.Buffers.Binary;

namespace KvmActors.Host.Rpc.Multiplex;

/// <summary>One request or reply among many of one gRPC stream, which answers in any order.</summary>
/// <remarks>
/// It is the content of a gRPC message (<see cref="RpcFraming"/>). Layout: 0 number of the call, little-endian (8);
/// 8 status, 0 in a request (1); 9 message, or for a status but Ok its text in UTF-8.
/// </remarks>
internal readonly record struct MultiplexFrame(ulong Call, RpcStatus Status, ReadOnlyMemory<byte> Message)
{
    private const int PrefixBytes = 9;

    /// <summary>Bytes of a frame beside its message.</summary>
    public const int OverheadBytes = RpcFraming.HeaderBytes + PrefixBytes;

    public static void Write(IBufferWriter<byte> target, ulong call, RpcStatus status, ReadOnlySpan<byte> message)
    {
        Span<byte> head = target.GetSpan(OverheadBytes);
        head[0] = 0;
        BinaryPrimitives.WriteInt32BigEndian(head[1..], PrefixBytes + message.Length);
        BinaryPrimitives.WriteUInt64LittleEndian(head[RpcFraming.HeaderBytes..], call);
        head[OverheadBytes - 1] = (byte)status;
        target.Advance(OverheadBytes);
        target.Write(message);
    }

    /// <param name="content">Of one gRPC message. Not kept.</param>
    /// <exception cref="RpcException">It is no frame.</exception>
    public static MultiplexFrame Parse(ReadOnlySpan<byte> content) => content.Length >= PrefixBytes
        ? new MultiplexFrame(
            BinaryPrimitives.ReadUInt64LittleEndian(content),
            (RpcStatus)content[PrefixBytes - 1],
            content[PrefixBytes..].ToArray())
        : throw new RpcException(
            RpcStatus.Internal,
            $"Expected a frame of at least {PrefixBytes} bytes in a multiplexed stream, found {content.Length}.");
}
