// SPDX-License-Identifier: Apache-2.0

using KvmActors.Persistence.Events;
using KvmActors.Persistence.Journal;
using KvmActors.Persistence.Ownership;

namespace KvmActors.Persistence.Tests.Stores;

public abstract partial class StoreContract
{
    private static readonly NodeId s_node1 = new("node-1#1");
    private static readonly NodeId s_node2 = new("node-2#1");

    [StoreFact]
    public async Task What_was_appended_is_read_back_in_order_and_verifies()
    {
        (StreamRow vm, _) = await CreateVmAsync(s_node1);
        var command = new CommandId("cli", "7");
        StreamWrite write = new StreamWriteBuilder(vm)
            .Add(10, new JournalEvent.InputArrived([1, 2, 3]), command)
            .Add(long.MaxValue, new JournalEvent.InputArrived([]))
            .OutputReleased(99)
            .Build();

        Assert.IsType<CommitResult.Committed>(await CommitAsync(new StoreTransaction(s_vm, [write])));

        List<JournalRecord> records = await ReadAllAsync(s_vm.Stream);
        Assert.Equal(3, records.Count);
        Assert.Equal(DeepText.Of(write.Records), DeepText.Of(records.Skip(1)));
        Assert.Equal(write.Next, await Store.FindAsync(s_vm.Stream, default));
        Assert.Null(await JournalVerifier.CheckAsync(Store, s_vm.Stream, default));
    }

    [StoreFact]
    public async Task A_range_of_sequences_is_read_with_both_ends()
    {
        (StreamRow row, _) = await CreateVmAsync(s_node1);
        var builder = new StreamWriteBuilder(row);
        for (ulong i = 0; i < 1500; i++)
        {
            builder.Add(i, new JournalEvent.VcpuCreated((int)i));
        }

        await CommitAsync(new StoreTransaction(s_vm, [builder.Build()]));

        List<ulong> seqs = [];
        await foreach (JournalRecord record in Store.ReadAsync(s_vm.Stream, 3, 1400, default))
        {
            seqs.Add(record.Seq);
        }

        Assert.Equal(Enumerable.Range(3, 1398).Select(seq => (ulong)seq), seqs);
    }

    [StoreFact]
    public async Task A_stream_that_is_not_there_is_empty_and_has_no_row()
    {
        Assert.Empty(await ReadAllAsync(s_vm.Stream));
        Assert.Null(await Store.FindAsync(s_vm.Stream, default));
        Assert.Empty(await Store.ReadLockedAsync(s_vm, default));
        Assert.Empty(await Store.ListAsync(default));
    }

    [StoreFact]
    public async Task Rows_are_listed_with_the_vm_first_and_vcpus_by_number()
    {
        StreamWrite Create(StreamId stream) => StreamWriteBuilder.Create(stream, s_node1).Build();
        var other = VmId.Parse("web-2");
        await CommitAsync(new StoreTransaction(other, [Create(other.Stream), Create(other.Vcpu(0))]));
        await CommitAsync(new StoreTransaction(
            s_vm, [Create(s_vm.Stream), Create(s_vm.Vcpu(2)), Create(s_vm.Vcpu(10))]));

        string[] expected = ["web", "web/2", "web/10", "web-2", "web-2/0"];

        Assert.Equal(expected, (await Store.ListAsync(default)).Select(row => row.Stream.Value));
        Assert.Equal(expected[..3], (await Store.ReadLockedAsync(s_vm, default)).Select(row => row.Stream.Value));
    }

    [StoreFact]
    public async Task A_stream_is_created_once()
    {
        await CreateVmAsync(s_node1);

        CommitResult again = await CommitAsync(Creation(s_node2));

        Assert.Equal(new CommitResult.AlreadyExists(s_vm.Stream), again);
        Assert.Single(await ReadAllAsync(s_vm.Stream));
    }

    [StoreFact]
    public async Task A_creation_that_failed_at_its_second_row_left_no_first_row()
    {
        await CommitAsync(new StoreTransaction(s_vm, [StreamWriteBuilder.Create(s_vm.Vcpu(0), s_node1).Build()]));

        CommitResult result = await CommitAsync(Creation(s_node1));

        Assert.Equal(new CommitResult.AlreadyExists(s_vm.Vcpu(0)), result);
        Assert.Null(await Store.FindAsync(s_vm.Stream, default));
        Assert.Empty(await ReadAllAsync(s_vm.Stream));
    }

    [StoreFact]
    public async Task A_retried_creation_gets_its_stored_reply()
    {
        var dedup = new DedupEntry(s_vm.Stream, new CommandId("cli", "1"), new byte[] { 42 });
        await CommitAsync(Creation(s_node1, dedup));

        CommitResult again = await CommitAsync(Creation(s_node1, dedup with { Reply = new byte[] { 1 } }));

        Assert.Equal([42], Assert.IsType<CommitResult.Duplicate>(again).Entry.Reply.ToArray());
    }

    [StoreFact]
    public async Task An_append_to_a_stream_that_is_not_there_is_told_so()
    {
        StreamRow row = Creation(s_node1).Writes[0].Next;

        Assert.Equal(new CommitResult.Missing(s_vm.Stream), await CommitAsync(Append(row, "x")));
    }

    [StoreFact]
    public async Task An_append_behind_an_old_head_is_a_mismatch_and_writes_nothing()
    {
        (StreamRow row, _) = await CreateVmAsync(s_node1);
        StoreTransaction first = Append(row, "first");
        await CommitAsync(first);

        CommitResult second = await CommitAsync(Append(row, "second"));

        Assert.Equal(new CommitResult.Mismatch(row, first.Writes[0].Next), second);
        Assert.Equal(2, (await ReadAllAsync(s_vm.Stream)).Count);
    }

    [StoreFact]
    public async Task The_identical_bytes_sent_again_find_their_own_head()
    {
        (StreamRow row, _) = await CreateVmAsync(s_node1);
        StoreTransaction undecided = Append(row, "did it land?");
        await CommitAsync(undecided);

        IReadOnlyList<StreamRow> decided = await Store.ReadLockedAsync(s_vm, default);

        Assert.Equal(undecided.Writes[0].Next, decided[0]);
    }

    [StoreFact]
    public async Task An_owner_who_lost_the_stream_cannot_append()
    {
        (StreamRow vm, StreamRow vcpu) = await MoveToNode2Async();

        CommitResult result = await CommitAsync(Append(vm, "too late"));

        Assert.Equal(
            new CommitResult.Fenced(new Epoch(1), (await Store.FindAsync(s_vm.Stream, default))!), result);
        Assert.IsType<CommitResult.Fenced>(await CommitAsync(Append(vcpu, "too late")));
    }

    [StoreFact]
    public async Task A_transaction_with_one_fenced_row_changes_no_other_row()
    {
        (StreamRow vm, StreamRow vcpu) = await CreateVmAsync(s_node1);
        StreamRow moved = new StreamWriteBuilder(vcpu).BeginMove(new MigrationId("m"), s_node2).Next;
        await CommitAsync(new StoreTransaction(s_vm, [new StreamWrite(vcpu, moved, [])]));

        CommitResult result = await CommitAsync(new StoreTransaction(
            s_vm,
            [
                new StreamWriteBuilder(vm).Add(5, new JournalEvent.InputArrived([1])).Build(),
                new StreamWriteBuilder(vcpu).Add(5, new JournalEvent.InputArrived([1])).Build(),
            ]));

        Assert.Equal(new CommitResult.Mismatch(vcpu, moved), result);
        Assert.Equal(vm, await Store.FindAsync(s_vm.Stream, default));
        Assert.Single(await ReadAllAsync(s_vm.Stream));
    }

    [StoreFact]
    public async Task A_hand_over_moves_every_row_and_writes_both_sides_events_at_once()
    {
        (StreamRow vm, _) = await MoveToNode2Async();

        StreamRow? now = await Store.FindAsync(s_vm.Stream, default);

        Assert.Equal((s_node2, new Epoch(2), StreamRowState.Owned), (now!.Owner!.Value, now.Epoch, now.State));
        List<JournalRecord> records = await ReadAllAsync(s_vm.Stream);
        Assert.Equal([1ul, 1, 1, 2], records.Select(record => record.Epoch.Value));
        Assert.Equal(
            [EventKind.Placed, EventKind.MigrationStarted, EventKind.HandedOff, EventKind.Placed],
            records.Select(record => record.Kind));
        Assert.Null(await JournalVerifier.CheckAsync(Store, s_vm.Stream, default));
        Assert.Equal(StreamRowState.Moving, vm.State);
    }

    [StoreFact]
    public async Task Of_abort_and_hand_over_exactly_one_wins()
    {
        (StreamRow vm, StreamRow vcpu) = await BeginMoveAsync();
        CommitResult abort = await CommitAsync(new StoreTransaction(
            s_vm, [new StreamWriteBuilder(vm).AbortMove().Build(), new StreamWriteBuilder(vcpu).AbortMove().Build()]));

        CommitResult handOver = await CommitAsync(HandOver(vm, vcpu));

        Assert.IsType<CommitResult.Committed>(abort);
        Assert.IsType<CommitResult.Mismatch>(handOver);
        Assert.Equal(s_node1, (await Store.FindAsync(s_vm.Stream, default))!.Owner);
    }

    [StoreFact]
    public async Task A_late_hand_over_of_an_earlier_try_does_not_fit_the_present_one()
    {
        (StreamRow vm, StreamRow vcpu) = await BeginMoveAsync();
        StreamRow other = vm with { Migration = new MigrationId("m-2") };
        await CommitAsync(new StoreTransaction(s_vm, [new StreamWrite(vm, other, [])]));

        Assert.Equal(new CommitResult.Mismatch(vm, other), await CommitAsync(HandOver(vm, vcpu)));
    }

    [StoreFact]
    public async Task A_command_is_handled_once_and_its_retry_gets_the_stored_reply()
    {
        (StreamRow row, _) = await CreateVmAsync(s_node1);
        var dedup = new DedupEntry(s_vm.Stream, new CommandId("cli", "7"), new byte[] { 1, 2 });
        StoreTransaction first = Append(row, "first", dedup);
        await CommitAsync(first);

        CommitResult again = await CommitAsync(
            Append(first.Writes[0].Next, "again", dedup with { Reply = new byte[] { 9 } }));

        Assert.Equal([1, 2], Assert.IsType<CommitResult.Duplicate>(again).Entry.Reply.ToArray());
        Assert.Equal(first.Writes[0].Next, await Store.FindAsync(s_vm.Stream, default));
        Assert.Equal(2, (await ReadAllAsync(s_vm.Stream)).Count);
        Assert.Equal([1, 2], (await Store.FindReplyAsync(s_vm.Stream, dedup.Command, default))!.Reply.ToArray());
        Assert.Null(await Store.FindReplyAsync(s_vm.Stream, new CommandId("cli", "8"), default));
    }

    [StoreFact]
    public async Task An_owner_who_lost_the_stream_is_fenced_even_where_its_command_was_handled()
    {
        (StreamRow row, _) = await MoveToNode2Async();
        StreamRow now = (await Store.FindAsync(s_vm.Stream, default))!;
        var dedup = new DedupEntry(s_vm.Stream, new CommandId("cli", "7"), new byte[] { 1 });
        await CommitAsync(Append(now, "the new owner", dedup));

        Assert.IsType<CommitResult.Fenced>(await CommitAsync(Append(row, "the old owner", dedup)));
    }

    [StoreFact]
    public async Task A_cancelled_commit_that_was_not_begun_writes_nothing()
    {
        (StreamRow row, _) = await CreateVmAsync(s_node1);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            async () => await Store.CommitAsync(Append(row, "x"), new CancellationToken(canceled: true)));

        Assert.Equal(row, await Store.FindAsync(s_vm.Stream, default));
    }

    /// <returns>The rows as the old owner last knew them.</returns>
    private async Task<(StreamRow Vm, StreamRow Vcpu)> MoveToNode2Async()
    {
        (StreamRow vm, StreamRow vcpu) = await BeginMoveAsync();
        Assert.IsType<CommitResult.Committed>(await CommitAsync(HandOver(vm, vcpu)));
        return (vm, vcpu);
    }

    private async Task<(StreamRow Vm, StreamRow Vcpu)> BeginMoveAsync()
    {
        (StreamRow vm, StreamRow vcpu) = await CreateVmAsync(s_node1);
        var migration = new MigrationId("m-1");
        StoreTransaction begin = new(
            s_vm,
            [
                new StreamWriteBuilder(vm)
                    .BeginMove(migration, s_node2)
                    .Add(1, new JournalEvent.MigrationStarted(migration, s_node1, s_node2)).Build(),
                new StreamWriteBuilder(vcpu).BeginMove(migration, s_node2).Build(),
            ]);
        Assert.IsType<CommitResult.Committed>(await CommitAsync(begin));
        return (begin.Writes[0].Next, begin.Writes[1].Next);
    }

    private static StoreTransaction HandOver(StreamRow vm, StreamRow vcpu) => new(
        s_vm,
        [
            new StreamWriteBuilder(vm)
                .Add(2, new JournalEvent.HandedOff(
                    new MigrationId("m-1"), s_node2, Events.EventExamples.State, Events.EventExamples.Sum))
                .MoveTo(s_node2)
                .Add(2, new JournalEvent.Placed(s_node2, new Epoch(2), Cpu.Hypercalls.HostVendor.Amd))
                .Build(),
            new StreamWriteBuilder(vcpu).MoveTo(s_node2).Build(),
        ]);
}
