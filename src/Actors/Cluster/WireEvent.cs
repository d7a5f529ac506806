// SPDX-License-Identifier: Apache-2.0

using Google.Protobuf;
using KvmActors.Persistence;
using KvmActors.Persistence.Events;
using KvmActors.Persistence.Journal;

namespace KvmActors.Actors.Cluster;

/// <summary>Journal events as parts of link messages: the journal's own bytes, so that there is one format.</summary>
internal static class WireEvent
{
    public static ByteString Encode(JournalEvent journalEvent) =>
        ByteString.CopyFrom(EventCodec.Encode(journalEvent).Payload.Span);

    /// <exception cref="InvalidDataException">The bytes are no event of that kind.</exception>
    public static T Decode<T>(EventKind kind, ByteString payload)
        where T : JournalEvent
    {
        JournalRecord record = new(
            new StreamId("link"),
            1,
            Epoch.First,
            kind,
            EventCodec.VersionLatest,
            VmTime: 0,
            Command: null,
            payload.Memory,
            Digest.Zero);
        try
        {
            return (T)EventCodec.Decode(record);
        }
        catch (StoreCorruptException fault)
        {
            throw new InvalidDataException($"A link message holds no {kind}: {fault.Message}", fault);
        }
    }
}
