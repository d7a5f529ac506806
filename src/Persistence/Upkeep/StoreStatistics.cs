// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Persistence.Events;

namespace KvmActors.Persistence.Upkeep;

/// <summary>What a store holds.</summary>
/// <param name="FileBytes">Of its file and the log beside it; 0 in memory.</param>
/// <param name="FreeBytes">Inside of the file, used by what is written next.</param>
/// <param name="Kinds">Records by kind.</param>
/// <param name="Vms">By name.</param>
/// <param name="Snapshots">With their states, page indices and consoles.</param>
/// <param name="PageReferences">Pages that snapshots name, one for each snapshot and page number.</param>
/// <param name="Pages">Different ones that are stored, with their bytes as stored.</param>
/// <param name="Reclaimable">Stored pages that no snapshot names.</param>
public sealed record StoreStatistics(
    long FileBytes,
    long FreeBytes,
    ImmutableArray<KindStatistics> Kinds,
    ImmutableArray<VmStatistics> Vms,
    SizeStatistics Snapshots,
    long PageReferences,
    SizeStatistics Pages,
    SizeStatistics Reclaimable)
{
    /// <summary>What part of all references costs nothing, because an equal page is stored already: 0 to 1.</summary>
    public double SharedShare => PageReferences == 0
        ? 0
        : 1 - ((double)(Pages.Count - Reclaimable.Count) / PageReferences);
}

/// <param name="Bytes">As stored.</param>
public readonly record struct SizeStatistics(long Count, long Bytes);

/// <param name="PayloadBytes">Without the columns around them, about 120 bytes a record.</param>
public sealed record KindStatistics(EventKind Kind, long Records, long PayloadBytes);

/// <param name="Records">Of all its streams.</param>
/// <param name="PageReferences">Of all its snapshots.</param>
public sealed record VmStatistics(
    VmId Vm, int Streams, long Records, long PayloadBytes, SizeStatistics Snapshots, long PageReferences);
