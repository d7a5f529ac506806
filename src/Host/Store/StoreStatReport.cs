// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Persistence.Upkeep;

namespace KvmActors.Host.Store;

/// <summary>What a store holds, as JSON shows it. Bytes are as stored; those of records are of their
/// payloads.</summary>
/// <param name="SharedShare">0 to 1: what part of the references costs nothing.</param>
internal sealed record StoreStatReport(
    long FileBytes,
    long FreeBytes,
    int Streams,
    StoreStatReport.Size Records,
    StoreStatReport.Size Snapshots,
    StoreStatReport.Size Pages,
    long PageReferences,
    double SharedShare,
    StoreStatReport.Size Reclaimable,
    ImmutableArray<StoreStatReport.Kind> Kinds,
    ImmutableArray<StoreStatReport.Vm> Vms)
{
    public readonly record struct Size(long Count, long Bytes);

    public sealed record Kind(string Name, long Records, long Bytes);

    public sealed record Vm(string Name, int Streams, Size Records, Size Snapshots, long PageReferences);

    public static StoreStatReport Of(StoreStatistics store) => new(
        store.FileBytes,
        store.FreeBytes,
        store.Vms.Sum(vm => vm.Streams),
        new Size(store.Kinds.Sum(kind => kind.Records), store.Kinds.Sum(kind => kind.PayloadBytes)),
        SizeOf(store.Snapshots),
        SizeOf(store.Pages),
        store.PageReferences,
        store.SharedShare,
        SizeOf(store.Reclaimable),
        [.. store.Kinds.Select(kind => new Kind(kind.Kind.ToString(), kind.Records, kind.PayloadBytes))],
        [
            .. store.Vms.Select(vm => new Vm(
                vm.Vm.ToString(),
                vm.Streams,
                new Size(vm.Records, vm.PayloadBytes),
                SizeOf(vm.Snapshots),
                vm.PageReferences)),
        ]);

    private static Size SizeOf(SizeStatistics size) => new(size.Count, size.Bytes);
}
