// SPDX-License-Identifier: Apache-2.0

using System.Text;
using KvmActors.Persistence.Events;
using KvmActors.Persistence.Journal;
using KvmActors.Persistence.Ownership;
using KvmActors.Persistence.Snapshots;
using KvmActors.Persistence.Upkeep;

namespace KvmActors.Persistence.Tests.Stores;

public abstract partial class StoreContract
{
    [StoreFact]
    public async Task A_snapshot_is_found_by_its_id()
    {
        (StreamRow vm, _) = await CreateVmAsync(s_node1);
        SnapshotRecord snapshot = await TakeSnapshotAsync(vm, id: 1, vmTime: 500);
        await TakeSnapshotAsync((await Store.FindAsync(s_vm.Stream, default))!, id: 2, vmTime: 500);

        Assert.Equal(DeepText.Of(snapshot), DeepText.Of(await Store.FindByIdAsync(s_vm, 1, default)));
        Assert.Null(await Store.FindByIdAsync(s_vm, 3, default));
        Assert.Null(await Store.FindByIdAsync(VmId.Parse("other"), 1, default));
    }

    [StoreFact]
    public async Task A_new_snapshot_drops_old_ones_but_never_the_first()
    {
        StreamRow row = (await CreateVmAsync(s_node1)).Vm;
        for (ulong id = 0; id < 6; id++)
        {
            row = await TakeAsync(row, Snapshot(row, id, id * 100), retention: new SnapshotRetention(2, 0));
        }

        Assert.Equal(
            [new SnapshotSummary(0, 0), new SnapshotSummary(4, 400), new SnapshotSummary(5, 500)],
            await Store.ListSnapshotsAsync(s_vm, default));
        Assert.Equal(0ul, (await Store.FindAsync(s_vm, 399, default))!.Id);
    }

    [StoreFact]
    public async Task A_refused_snapshot_drops_nothing()
    {
        StreamRow row = (await CreateVmAsync(s_node1)).Vm;
        StreamRow stale = row;
        await CommitAsync(Append(row, "so that the head moves"));
        row = (await Store.FindAsync(s_vm.Stream, default))!;
        for (ulong id = 0; id < 3; id++)
        {
            row = await TakeAsync(row, Snapshot(row, id, id));
        }

        CommitResult result = await CommitAsync(Taking(stale, Snapshot(stale, 3, 3), new SnapshotRetention(1, 0)));

        Assert.IsType<CommitResult.Mismatch>(result);
        Assert.Equal(3, (await Store.ListSnapshotsAsync(s_vm, default)).Count);
    }

    [StoreFact]
    public async Task A_deleted_vm_leaves_nothing_but_replies_and_its_name_begins_anew()
    {
        (StreamRow row, _) = await CreateVmAsync(s_node1);
        await TakeSnapshotAsync(row, id: 0, vmTime: 0);
        await CommitAsync(Append((await Store.FindAsync(s_vm.Stream, default))!, "a record"));
        IReadOnlyList<StreamRow> rows = await Store.ReadLockedAsync(s_vm, default);

        Assert.IsType<CommitResult.Committed>(await Store.DeleteAsync(rows, Reply("delete"), default));

        Assert.Empty(await Store.ReadLockedAsync(s_vm, default));
        Assert.Empty(await Store.ListSnapshotsAsync(s_vm, default));
        Assert.Empty(await Store.ReadAsync(s_vm.Stream, 1, ulong.MaxValue >> 1, default).ToListAsync());
        Assert.IsType<CommitResult.Missing>(await Store.DeleteAsync(rows, Reply("delete it again"), default));
        Assert.IsType<CommitResult.Committed>(await CommitAsync(Creation(s_node1)));
    }

    [StoreFact]
    public async Task A_command_that_deleted_a_vm_is_answered_and_not_repeated()
    {
        await CreateVmAsync(s_node1);
        IReadOnlyList<StreamRow> rows = await Store.ReadLockedAsync(s_vm, default);
        await Store.DeleteAsync(rows, Reply("delete"), default);
        await CreateVmAsync(s_node1);
        IReadOnlyList<StreamRow> namesake = await Store.ReadLockedAsync(s_vm, default);

        CommitResult again = await Store.DeleteAsync(namesake, Reply("delete"), default);

        Assert.Equal("delete", Encoding.UTF8.GetString(Assert.IsType<CommitResult.Duplicate>(again).Entry.Reply.Span));
        Assert.Equal(namesake.Count, (await Store.ReadLockedAsync(s_vm, default)).Count);
    }

    [StoreFact]
    public async Task A_creation_that_comes_after_its_vm_was_deleted_is_answered_and_not_repeated()
    {
        StoreTransaction creation = Creation(s_node1, Reply("create"));
        await CommitAsync(creation);
        await Store.DeleteAsync(await Store.ReadLockedAsync(s_vm, default), Reply("delete"), default);

        CommitResult late = await CommitAsync(creation);

        Assert.Equal("create", Encoding.UTF8.GetString(Assert.IsType<CommitResult.Duplicate>(late).Entry.Reply.Span));
        Assert.Empty(await Store.ReadLockedAsync(s_vm, default));
    }

    [StoreFact]
    public async Task A_vm_whose_rows_changed_is_not_deleted()
    {
        (StreamRow row, _) = await CreateVmAsync(s_node1);
        IReadOnlyList<StreamRow> stale = await Store.ReadLockedAsync(s_vm, default);
        await CommitAsync(Append(row, "so that the head moves"));

        CommitResult result = await Store.DeleteAsync(stale, Reply("delete"), default);

        Assert.IsType<CommitResult.Mismatch>(result);
        Assert.Null(await Store.FindReplyAsync(s_vm.Stream, Reply("delete").Command, default));
        Assert.Equal(stale.Count, (await Store.ReadLockedAsync(s_vm, default)).Count);
        Assert.NotEmpty(await Store.ReadAsync(s_vm.Stream, 1, 100, default).ToListAsync());
    }

    [StoreFact]
    public async Task A_collection_deletes_the_pages_that_no_snapshot_names()
    {
        StreamRow row = (await CreateVmAsync(s_node1)).Vm;
        IReadOnlyList<Digest> digests =
            await Store.PutAsync([.. Enumerable.Range(0, 900).Select(NumberedPage)], default);
        await TakeAsync(row, Snapshot(row, 1, 5, new(0, digests[0]), new(1, digests[1]), new(9, digests[1])));

        CollectionReport report = await Store.CollectAsync(null, default);

        Assert.Equal((0L, 898L), (report.Snapshots, report.Pages));
        Assert.Equal(2, (await Store.GetAsync([digests[0], digests[1]], default)).Count);
        await Assert.ThrowsAsync<StoreCorruptException>(async () => await Store.GetAsync([digests[2]], default));
        Assert.Equal(0L, (await Store.CollectAsync(null, default)).Pages);
    }

    [StoreFact]
    public async Task A_collection_may_drop_snapshots_first()
    {
        StreamRow row = (await CreateVmAsync(s_node1)).Vm;
        IReadOnlyList<Digest> digests = await Store.PutAsync([.. Enumerable.Range(0, 5).Select(NumberedPage)], default);
        for (ulong id = 0; id < 5; id++)
        {
            row = await TakeAsync(row, Snapshot(row, id, id, new PageReference(id, digests[(int)id])));
        }

        CollectionReport report = await Store.CollectAsync(new SnapshotRetention(2, 0), default);

        Assert.Equal((2L, 2L), (report.Snapshots, report.Pages));
        Assert.Equal([0ul, 3, 4], (await Store.ListSnapshotsAsync(s_vm, default)).Select(snapshot => snapshot.Id));
        Assert.Equal(3, (await Store.GetAsync([digests[0], digests[3], digests[4]], default)).Count);
    }

    [StoreFact]
    public async Task A_snapshot_whose_page_was_collected_since_its_put_is_refused_and_taken_anew()
    {
        StreamRow row = (await CreateVmAsync(s_node1)).Vm;
        ulong since = await Store.CountCollectionsAsync(default);
        IReadOnlyList<Digest> digests = await Store.PutAsync([NumberedPage(1), NumberedPage(2)], default);
        SnapshotRecord snapshot = Snapshot(row, 1, 5, new(0, digests[0]), new(1, digests[1]));
        await Store.CollectAsync(null, default);

        CommitResult gone = await CommitAsync(Taking(row, snapshot) with { PagesSince = since });
        ulong again = await Store.CountCollectionsAsync(default);
        await Store.PutAsync([NumberedPage(1), NumberedPage(2)], default);
        CommitResult taken = await CommitAsync(Taking(row, snapshot) with { PagesSince = again });

        Assert.Equal(new CommitResult.PagesGone(1), gone);
        Assert.Equal(row, (await Store.ReadLockedAsync(s_vm, default))[0] with { SnapshotId = row.SnapshotId });
        Assert.IsType<CommitResult.Committed>(taken);
        Assert.NotEqual(since, again);
    }

    [StoreFact]
    public async Task A_snapshot_whose_pages_outlived_a_collection_is_taken()
    {
        StreamRow row = (await CreateVmAsync(s_node1)).Vm;
        ulong since = await Store.CountCollectionsAsync(default);
        SnapshotRecord first = await TakeSnapshotAsync(row, id: 1, vmTime: 5);
        row = (await Store.FindAsync(s_vm.Stream, default))!;
        await Store.CollectAsync(null, default);

        CommitResult result = await CommitAsync(
            Taking(row, Snapshot(row, 2, 6, [.. first.Pages])) with { PagesSince = since });

        Assert.IsType<CommitResult.Committed>(result);
    }

    [StoreFact]
    public async Task Whatever_is_collected_meanwhile_a_snapshot_in_the_store_has_its_pages()
    {
        int seed = int.TryParse(Environment.GetEnvironmentVariable("KVMACTORS_SEED"), out int given) ? given : 20261123;
        var random = new Random(seed);
        StreamRow row = (await CreateVmAsync(s_node1)).Vm;
        using CancellationTokenSource end = new();
        Task<long> collecting = CollectUntilAsync(end.Token);
        int gone = 0;
        for (ulong id = 1; id <= 150; id++)
        {
            ulong since = await Store.CountCollectionsAsync(default);
            IReadOnlyList<Digest> digests = await Store.PutAsync(
                [.. Enumerable.Range(0, 20).Select(_ => NumberedPage(random.Next(40)))], default);
            SnapshotRecord snapshot = Snapshot(
                row, id, id, [.. digests.Select((digest, at) => new PageReference((ulong)at, digest))]);
            CommitResult result = await CommitAsync(
                Taking(row, snapshot, new SnapshotRetention(1, 0)) with { PagesSince = since });
            if (result is CommitResult.PagesGone)
            {
                gone++;
                continue;
            }

            row = (await Store.FindAsync(s_vm.Stream, default))!;
            await Store.GetAsync([.. digests], default);
        }

        await end.CancelAsync();
        Assert.True(await collecting > 0, $"KVMACTORS_SEED={seed}: nothing was collected; {gone} snapshots refused");
    }

    [StoreFact]
    public async Task A_store_says_what_it_holds()
    {
        StreamRow row = (await CreateVmAsync(s_node1)).Vm;
        IReadOnlyList<Digest> digests = await Store.PutAsync([.. Enumerable.Range(0, 4).Select(NumberedPage)], default);
        row = await TakeAsync(row, Snapshot(row, 1, 5, new(0, digests[0]), new(1, digests[1])));
        await TakeAsync(row, Snapshot(row, 2, 6, new(0, digests[0]), new(1, digests[1])));

        StoreStatistics found = await Store.MeasureAsync(default);

        Assert.Equal(
            [(EventKind.VcpuCreated, 1L), (EventKind.Placed, 1L)],
            found.Kinds.Select(kind => (kind.Kind, kind.Records)));
        VmStatistics vm = Assert.Single(found.Vms);
        Assert.Equal((s_vm, 2, 2L, 2L, 4L), (vm.Vm, vm.Streams, vm.Records, vm.Snapshots.Count, vm.PageReferences));
        Assert.Equal(vm.PayloadBytes, found.Kinds.Sum(kind => kind.PayloadBytes));
        Assert.Equal((2L, 4L, 4L, 2L), (
            found.Snapshots.Count, found.PageReferences, found.Pages.Count, found.Reclaimable.Count));
        Assert.True(found.Pages.Bytes > found.Reclaimable.Bytes && found.Reclaimable.Bytes > 0);
        Assert.Equal(0.5, found.SharedShare);
    }

    private static StoreTransaction Taking(
        StreamRow row, SnapshotRecord snapshot, SnapshotRetention? retention = null) =>
        new(s_vm, [new StreamWriteBuilder(row).Snapshot(snapshot.Id).Build()], Snapshot: snapshot)
        {
            Retention = retention,
        };

    private async Task<StreamRow> TakeAsync(
        StreamRow row, SnapshotRecord snapshot, SnapshotRetention? retention = null)
    {
        Assert.IsType<CommitResult.Committed>(await CommitAsync(Taking(row, snapshot, retention)));
        return (await Store.FindAsync(s_vm.Stream, default))!;
    }

    private async Task<long> CollectUntilAsync(CancellationToken end)
    {
        long collected = 0;
        while (!end.IsCancellationRequested)
        {
            await Task.Yield();
            collected += (await Store.CollectAsync(null, CancellationToken.None)).Pages;
        }

        return collected;
    }

    /// <summary>A command of this name, and the same as its reply.</summary>
    private static DedupEntry Reply(string name) =>
        new(s_vm.Stream, new CommandId("cli", name), Encoding.UTF8.GetBytes(name));
}
