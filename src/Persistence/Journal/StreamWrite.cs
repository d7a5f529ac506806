// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Persistence.Ownership;

namespace KvmActors.Persistence.Journal;

/// <summary>A compare-and-swap of one fence row, with the records that go with it.</summary>
/// <param name="Expected">The row as the writer knows it. Owner, epoch, state, head and migration must all match; null
/// creates the stream.</param>
/// <param name="Next">The row afterwards. Its head is that of the last record.</param>
/// <param name="Records">May be empty: then only the fence is checked and the row changed.</param>
public sealed record StreamWrite(StreamRow? Expected, StreamRow Next, ImmutableArray<JournalRecord> Records);
