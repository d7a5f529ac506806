// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Persistence.Journal;
using KvmActors.Persistence.Ownership;
using KvmActors.Persistence.Snapshots;

namespace KvmActors.Persistence.InMemory;

/// <summary>What an <see cref="InMemoryStore"/> held of VMs at one moment: what a backup, or a standby that lags, would
/// bring back. Immutable.</summary>
public sealed class InMemoryStoreCopy
{
    internal InMemoryStoreCopy(
        IEnumerable<StreamRow> rows,
        IEnumerable<JournalRecord> records,
        IEnumerable<DedupEntry> replies,
        IEnumerable<SnapshotRecord> snapshots)
    {
        Rows = [.. rows];
        Records = [.. records];
        Replies = [.. replies];
        Snapshots = [.. snapshots];
    }

    internal ImmutableArray<StreamRow> Rows { get; }

    internal ImmutableArray<JournalRecord> Records { get; }

    internal ImmutableArray<DedupEntry> Replies { get; }

    internal ImmutableArray<SnapshotRecord> Snapshots { get; }
}
