// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Persistence.Upkeep;

/// <summary>What a collection deleted.</summary>
/// <param name="PageBytes">As stored.</param>
public sealed record CollectionReport(long Snapshots, long Pages, long PageBytes);
