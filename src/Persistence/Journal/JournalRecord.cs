// SPDX-License-Identifier: Apache-2.0

using KvmActors.Persistence.Events;

namespace KvmActors.Persistence.Journal;

/// <summary>One stored row of the journal.</summary>
/// <param name="Seq">1, 2, 3… within its stream.</param>
/// <param name="Version">Version of the payload's format for this kind.</param>
/// <param name="VmTime">VM time of the event, in ticks.</param>
/// <param name="Payload">Protobuf bytes as stored; never re-serialised before hashing.</param>
/// <param name="Hash"><c>HashChain.Next</c> of the record before and all columns of this one.</param>
public sealed record JournalRecord(
    StreamId Stream,
    ulong Seq,
    Epoch Epoch,
    EventKind Kind,
    int Version,
    ulong VmTime,
    CommandId? Command,
    ReadOnlyMemory<byte> Payload,
    Digest Hash);
