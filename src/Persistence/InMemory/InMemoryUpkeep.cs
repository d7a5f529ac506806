// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Persistence.Journal;
using KvmActors.Persistence.Pages;
using KvmActors.Persistence.Snapshots;
using KvmActors.Persistence.Upkeep;

namespace KvmActors.Persistence.InMemory;

/// <summary>Statistics and collection of an <see cref="InMemoryStore"/>. Its caller holds the store's lock.</summary>
internal static class InMemoryUpkeep
{
    /// <param name="ids">Of <paramref name="snapshots"/> and of one that comes.</param>
    internal static int Drop(SnapshotRetention? retention, List<ulong> ids, List<SnapshotRecord> snapshots)
    {
        ids.Sort();
        ImmutableArray<ulong> dropped = retention?.Dropped(ids) ?? [];
        return snapshots.RemoveAll(snapshot => dropped.Contains(snapshot.Id));
    }

    internal static CollectionReport Collect(
        SnapshotRetention? retention,
        Dictionary<VmId, List<SnapshotRecord>> snapshots,
        Dictionary<Digest, byte[]> pages)
    {
        int dropped = snapshots.Values.Sum(of => Drop(retention, [.. of.Select(snapshot => snapshot.Id)], of));
        Digest[] garbage = [.. Garbage(snapshots, pages)];
        foreach (Digest page in garbage)
        {
            pages.Remove(page);
        }

        return new CollectionReport(dropped, garbage.Length, (long)garbage.Length * PageRules.PageBytes);
    }

    internal static StoreStatistics Measure(
        IEnumerable<StreamId> streams,
        Dictionary<StreamId, List<JournalRecord>> journal,
        Dictionary<VmId, List<SnapshotRecord>> snapshots,
        Dictionary<Digest, byte[]> pages)
    {
        ImmutableArray<VmStatistics> vms =
        [
            .. streams.GroupBy(stream => stream.Vm).Select(of => Measure(
                of.Key, [.. of.Select(stream => journal[stream])], snapshots.GetValueOrDefault(of.Key, []))),
        ];
        ImmutableArray<KindStatistics> kinds =
        [
            .. journal.Values.SelectMany(records => records).GroupBy(record => record.Kind)
                .OrderBy(kind => kind.Key)
                .Select(kind => new KindStatistics(kind.Key, kind.LongCount(), kind.Sum(PayloadBytes))),
        ];
        long garbage = Garbage(snapshots, pages).LongCount();
        return new StoreStatistics(
            FileBytes: 0,
            FreeBytes: 0,
            kinds,
            vms,
            new SizeStatistics(vms.Sum(vm => vm.Snapshots.Count), vms.Sum(vm => vm.Snapshots.Bytes)),
            vms.Sum(vm => vm.PageReferences),
            new SizeStatistics(pages.Count, (long)pages.Count * PageRules.PageBytes),
            new SizeStatistics(garbage, garbage * PageRules.PageBytes));
    }

    private static VmStatistics Measure(
        VmId vm, List<JournalRecord>[] streams, List<SnapshotRecord> snapshots) => new(
        vm,
        streams.Length,
        streams.Sum(records => (long)records.Count),
        streams.Sum(records => records.Sum(PayloadBytes)),
        new SizeStatistics(
            snapshots.Count,
            snapshots.Sum(snapshot => (long)snapshot.State.Length + snapshot.Console.Length
                + PageIndexCodec.Encode(snapshot.Pages).Length)),
        snapshots.Sum(snapshot => (long)snapshot.Pages.Length));

    private static long PayloadBytes(JournalRecord record) => record.Payload.Length;

    private static IEnumerable<Digest> Garbage(
        Dictionary<VmId, List<SnapshotRecord>> snapshots, Dictionary<Digest, byte[]> pages) =>
        pages.Keys.Except(
            snapshots.Values.SelectMany(of => of).SelectMany(snapshot => snapshot.Pages).Select(page => page.Digest));
}
