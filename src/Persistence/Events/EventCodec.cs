// SPDX-License-Identifier: Apache-2.0

using Google.Protobuf;
using KvmActors.Persistence.Journal;
using KvmActors.Persistence.Wire;

namespace KvmActors.Persistence.Events;

/// <summary>Events to and from the bytes of <c>journal.proto</c>. Pure.</summary>
/// <remarks>The same event always gives the same bytes. What was once written stays readable: golden bytes of each kind
/// are pinned in <c>EventCodecTests</c>.</remarks>
public static class EventCodec
{
    /// <summary>The version this program writes, and the only one there is so far, for every kind.</summary>
    public const int VersionLatest = 1;

    /// <summary>Longest payload of one event. A CPUID table of 256 entries takes about 16 KiB; a longer console input
    /// is split by whoever journals it.</summary>
    public const int PayloadBytesMax = 1 << 20;

    /// <exception cref="ArgumentException">The payload would be longer than <see cref="PayloadBytesMax"/>, or a hash in
    /// the event is no hash.</exception>
    public static EncodedEvent Encode(JournalEvent journalEvent)
    {
        ArgumentNullException.ThrowIfNull(journalEvent);
        (EventKind kind, IMessage message) = EventWire.Of(journalEvent);
        byte[] payload = message.ToByteArray();
        return payload.Length <= PayloadBytesMax
            ? new EncodedEvent(kind, VersionLatest, payload)
            : throw new ArgumentException(
                $"Expected an event {kind} of at most {PayloadBytesMax} bytes, found {payload.Length}. Split it.",
                nameof(journalEvent));
    }

    /// <summary>The event of a record. Its hash is not checked here: see <see cref="JournalVerifier"/>.</summary>
    /// <exception cref="JournalFormatException">Kind or version are unknown: a newer program wrote it.</exception>
    /// <exception cref="StoreCorruptException">The payload is not what its kind and version say.</exception>
    public static JournalEvent Decode(JournalRecord record)
    {
        ArgumentNullException.ThrowIfNull(record);
        if (!Enum.IsDefined(record.Kind))
        {
            throw new JournalFormatException(
                $"Stream {record.Stream}, sequence {record.Seq}: the event kind {(int)record.Kind} is unknown to this "
                + "version and must not be skipped. Read the journal with the version that wrote it.");
        }

        if (record.Version != VersionLatest)
        {
            throw new JournalFormatException(
                $"Stream {record.Stream}, sequence {record.Seq}: expected {record.Kind} in format version "
                + $"{VersionLatest}, found version {record.Version}. Read the journal with the version that wrote it.");
        }

        try
        {
            return EventWire.From(record.Kind, record.Payload);
        }
        catch (Exception fault) when (fault is InvalidProtocolBufferException or WireFault)
        {
            throw new StoreCorruptException(
                $"Stream {record.Stream}, sequence {record.Seq}: the payload is no {record.Kind} of version "
                + $"{record.Version}: "
                + $"{fault.Message} Restore the store from a backup, or cut the journal before this record.",
                fault);
        }
    }
}
