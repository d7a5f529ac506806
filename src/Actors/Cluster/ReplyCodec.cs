// SPDX-License-Identifier: Apache-2.0

using Google.Protobuf;
using KvmActors.Actors.Wire;
using KvmActors.Persistence;
using KvmActors.Persistence.Journal;

namespace KvmActors.Actors.Cluster;

/// <summary>Replies as the store keeps them for retries: a <c>ControlAnswer</c> of <c>link.proto</c>. Pure.</summary>
internal static class ReplyCodec
{
    public static DedupEntry Entry(StreamId stream, CommandId command, string text) =>
        Entry(stream, command, new ControlReply.Done(text));

    public static DedupEntry Entry(StreamId stream, CommandId command, ControlReply reply) =>
        new(stream, command, ControlWire.Of(reply).ToByteArray());

    /// <exception cref="StoreCorruptException">The stored bytes are no reply.</exception>
    public static ControlReply Decode(DedupEntry entry)
    {
        try
        {
            return ControlWire.From(ControlAnswer.Parser.ParseFrom(entry.Reply.Span));
        }
        catch (Exception fault) when (fault is InvalidProtocolBufferException or InvalidDataException)
        {
            throw new StoreCorruptException(
                $"Stream {entry.Stream}: the kept reply to {entry.Command} cannot be read: {fault.Message}", fault);
        }
    }
}
