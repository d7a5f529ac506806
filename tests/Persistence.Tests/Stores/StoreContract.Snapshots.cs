// SPDX-License-Identifier: Apache-2.0

using KvmActors.Persistence.Journal;
using KvmActors.Persistence.Ownership;
using KvmActors.Persistence.Snapshots;

namespace KvmActors.Persistence.Tests.Stores;

public abstract partial class StoreContract
{
    [StoreFact]
    public async Task A_snapshot_comes_back_as_it_was()
    {
        (StreamRow vm, _) = await CreateVmAsync(s_node1);
        SnapshotRecord snapshot = await TakeSnapshotAsync(vm, id: 1, vmTime: 500);

        SnapshotRecord? found = await Store.FindAsync(s_vm, 500, default);

        Assert.Equal(DeepText.Of(snapshot), DeepText.Of(found));
        Assert.Equal(1ul, (await Store.FindAsync(s_vm.Stream, default))!.SnapshotId);
    }

    [StoreFact]
    public async Task The_latest_snapshot_at_or_before_a_time_is_found()
    {
        (StreamRow row, _) = await CreateVmAsync(s_node1);
        for (ulong id = 1; id <= 3; id++)
        {
            await TakeSnapshotAsync(row, id, vmTime: id * 100);
            row = (await Store.FindAsync(s_vm.Stream, default))!;
        }

        Assert.Null(await Store.FindAsync(s_vm, 99, default));
        Assert.Equal(1ul, (await Store.FindAsync(s_vm, 100, default))!.Id);
        Assert.Equal(1ul, (await Store.FindAsync(s_vm, 199, default))!.Id);
        Assert.Equal(3ul, (await Store.FindAsync(s_vm, ulong.MaxValue, default))!.Id);
        Assert.Null(await Store.FindAsync(VmId.Parse("other"), ulong.MaxValue, default));
        Assert.Equal(
            [new SnapshotSummary(1, 100), new SnapshotSummary(2, 200), new SnapshotSummary(3, 300)],
            await Store.ListSnapshotsAsync(s_vm, default));
    }

    [StoreFact]
    public async Task An_owner_who_lost_the_stream_cannot_leave_a_snapshot()
    {
        (StreamRow vm, _) = await MoveToNode2Async();
        StreamWrite write = new StreamWriteBuilder(vm).Snapshot(1).Build();

        CommitResult result = await CommitAsync(
            new StoreTransaction(s_vm, [write], Snapshot: Snapshot(vm, id: 1, vmTime: 5, [])));

        Assert.IsType<CommitResult.Fenced>(result);
        Assert.Empty(await Store.ListSnapshotsAsync(s_vm, default));
    }

    [StoreFact]
    public async Task Pages_come_back_by_their_content()
    {
        int seed = 7;
        var random = new Random(seed);
        byte[] noise = new byte[4096];
        random.NextBytes(noise);
        byte[] text = new byte[4096];
        text.AsSpan(0, 100).Fill(0x41);
        ReadOnlyMemory<byte>[] pages = [noise, text, new byte[4096], text];

        IReadOnlyList<Digest> digests = await Store.PutAsync(pages, default);
        IReadOnlyList<Digest> again = await Store.PutAsync(pages[..2], default);
        IReadOnlyList<ReadOnlyMemory<byte>> found = await Store.GetAsync(digests, default);

        Assert.Equal(pages.Select(page => Digest.Of(page.Span)), digests);
        Assert.Equal(digests.Take(2), again);
        Assert.Equal(pages.Select(page => page.ToArray()), found.Select(page => page.ToArray()));
    }

    [StoreFact]
    public async Task More_pages_than_one_commit_holds_are_all_stored()
    {
        ReadOnlyMemory<byte>[] pages = [.. Enumerable.Range(0, 600).Select(NumberedPage)];

        IReadOnlyList<Digest> digests = await Store.PutAsync(pages, default);

        IReadOnlyList<ReadOnlyMemory<byte>> found = await Store.GetAsync([.. digests.Reverse()], default);
        Assert.Equal(pages.Reverse().Select(page => page.ToArray()), found.Select(page => page.ToArray()));
    }

    [StoreFact]
    public async Task A_page_that_is_not_there_is_damage_and_named()
    {
        var missing = Digest.Of([1]);

        StoreCorruptException fault = await Assert.ThrowsAsync<StoreCorruptException>(
            async () => await Store.GetAsync([missing], default));

        Assert.Contains(missing.Hex, fault.Message, StringComparison.Ordinal);
    }

    [StoreFact]
    public async Task What_is_no_page_is_refused()
    {
        await Assert.ThrowsAsync<ArgumentException>(async () => await Store.PutAsync([new byte[100]], default));
    }

    private static ReadOnlyMemory<byte> NumberedPage(int number)
    {
        byte[] page = new byte[4096];
        BitConverter.TryWriteBytes(page, number);
        return page;
    }

    private static SnapshotRecord Snapshot(StreamRow row, ulong id, ulong vmTime, params PageReference[] pages) => new(
        s_vm,
        id,
        row.Epoch,
        vmTime,
        [new StreamHead(s_vm.Stream, row.HeadSeq, row.HeadHash), new StreamHead(s_vm.Vcpu(0), 1, Digest.Of([9]))],
        new byte[] { 1, 2, 3, (byte)id },
        [.. pages],
        "console"u8.ToArray());

    private async Task<SnapshotRecord> TakeSnapshotAsync(StreamRow row, ulong id, ulong vmTime)
    {
        IReadOnlyList<Digest> digests = await Store.PutAsync([NumberedPage(1), NumberedPage(2)], default);
        SnapshotRecord snapshot = Snapshot(
            row, id, vmTime, new PageReference(0, digests[0]), new PageReference(70_000, digests[1]));
        StreamWrite write = new StreamWriteBuilder(row).Snapshot(id).Build();
        Assert.IsType<CommitResult.Committed>(
            await CommitAsync(new StoreTransaction(s_vm, [write], Snapshot: snapshot)));
        return snapshot;
    }
}
