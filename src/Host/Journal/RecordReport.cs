// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Cpuid;
using KvmActors.Persistence.Events;
using KvmActors.Persistence.Journal;

namespace KvmActors.Host.Journal;

/// <summary>A record as <c>journal show</c> shows it.</summary>
/// <param name="Event">What happened, in words.</param>
internal sealed record RecordReport(
    string Stream, ulong Seq, ulong Epoch, ulong VmTime, string Kind, string Event, string? Command, string Hash)
{
    /// <exception cref="Persistence.StoreCorruptException">The payload is damaged.</exception>
    /// <exception cref="Persistence.JournalFormatException">A newer program wrote it.</exception>
    /// <param name="cpuid">The vCPU's CPUID table until then; null if it had none.</param>
    public static RecordReport Of(JournalRecord record, CpuidTable? cpuid) => new(
        record.Stream.ToString(),
        record.Seq,
        record.Epoch.Value,
        record.VmTime,
        record.Kind.ToString(),
        EventText.Describe(EventCodec.Decode(record), cpuid),
        record.Command?.ToString(),
        record.Hash.ToString());
}
