// SPDX-License-Identifier: Apache-2.0

using KvmActors.Persistence.Events;
using KvmActors.Persistence.Journal;

namespace KvmActors.Host.Journal;

/// <summary>A line of <c>journal export</c>: the fields are described in <c>docs/journal-format.md</c>.</summary>
/// <param name="Text">What happened, in words.</param>
/// <param name="Data">The same as fields, which depend on the kind.</param>
/// <param name="Payload">The stored bytes in hexadecimal: with them every line's hash can be computed.</param>
internal sealed record ExportLine(
    string Stream,
    ulong Seq,
    ulong Epoch,
    ulong VmTime,
    string Kind,
    int Version,
    string? Client,
    string? Command,
    string Text,
    object Data,
    string Payload,
    string Hash)
{
    /// <exception cref="Persistence.StoreCorruptException">The payload is damaged.</exception>
    /// <exception cref="Persistence.JournalFormatException">A newer program wrote it.</exception>
    public static ExportLine Of(JournalRecord record)
    {
        JournalEvent journalEvent = EventCodec.Decode(record);
        return new ExportLine(
            record.Stream.ToString(),
            record.Seq,
            record.Epoch.Value,
            record.VmTime,
            record.Kind.ToString(),
            record.Version,
            record.Command?.Client,
            record.Command?.Command,
            EventText.Describe(journalEvent),
            EventFields.Of(journalEvent),
            Convert.ToHexStringLower(record.Payload.Span),
            record.Hash.ToString());
    }
}
