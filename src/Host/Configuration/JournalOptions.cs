// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Host.Configuration;

/// <summary>Keys below <c>kvmactors.journal</c>; <c>hocon/reference.conf</c> tells what each means.</summary>
internal sealed record JournalOptions(
    TimeSpan ProgressInterval,
    TimeSpan SnapshotInterval,
    TimeSpan SnapshotWaitMax,
    int SnapshotsKept,
    TimeSpan ReplayMax,
    TimeSpan MemorySumInterval);
