// SPDX-License-Identifier: Apache-2.0

using KvmActors.Persistence.Events;
using KvmActors.Persistence.Journal;
using KvmActors.Persistence.Ownership;
using KvmActors.Persistence.Snapshots;

namespace KvmActors.Persistence.Tests.Journal;

public class TransactionRulesTests
{
    private static readonly VmId s_vm = VmId.Parse("web");
    private static readonly NodeId s_node1 = new("node-1#1");
    private static readonly NodeId s_node2 = new("node-2#1");
    private static readonly StreamRow s_row = StreamWriteBuilder.Create(s_vm.Stream, s_node1)
        .Add(0, new JournalEvent.VcpuCreated(0)).Next;

    private static readonly StreamWrite s_append = new StreamWriteBuilder(s_row)
        .Add(1, new JournalEvent.InputArrived([1])).Add(2, new JournalEvent.InputArrived([2])).Build();

    public static TheoryData<string, StoreTransaction> Broken => new()
    {
        { "no row", new StoreTransaction(s_vm, []) },
        { "a row of another VM", new StoreTransaction(VmId.Parse("other"), [s_append]) },
        { "a row twice", new StoreTransaction(s_vm, [s_append, s_append]) },
        { "rows out of order", new StoreTransaction(s_vm, [Empty(s_vm.Vcpu(1)), Empty(s_vm.Vcpu(0))]) },
        { "a row that turns into another", Of(s_append with { Next = s_append.Next with { Stream = s_vm.Vcpu(0) } }) },
        { "a gap", Of(s_append with { Records = s_append.Records.RemoveAt(0) }) },
        { "a record of another stream", WithFirst(s_append.Records[0] with { Stream = s_vm.Vcpu(0) }) },
        { "a wrong hash", WithFirst(s_append.Records[0] with { VmTime = 9 }) },
        { "a head that is not the last record's", Of(s_append with { Next = s_append.Next with { HeadSeq = 2 } }) },
        { "a head without a record", Of(s_append with { Records = [] }) },
        { "creation under epoch 2", Of(Empty(s_vm.Stream) with { Next = s_row with { Epoch = new Epoch(2) } }) },
        { "an owner under the same epoch", Of(new StreamWrite(s_row, s_row with { Owner = s_node2 }, [])) },
        { "an epoch skipped", Of(new StreamWrite(s_row, s_row with { Epoch = new Epoch(3) }, [])) },
        { "an epoch taken back", Of(new StreamWrite(s_row with { Epoch = new Epoch(2) }, s_row, [])) },
        { "a hand-over without a move", Of(new StreamWriteBuilder(s_row).MoveTo(s_node2).Build()) },
        { "a hand-over to another than the target", Of(new StreamWriteBuilder(Moving()).MoveTo(s_node1).Build()) },
        { "a claim for another", Of(Taken(), new TakeoverClaim(s_node1, s_node1)) },
        { "a claim against another", Of(Taken(), new TakeoverClaim(s_node2, s_node2)) },
        { "a claim that appends", Of(s_append, new TakeoverClaim(s_node1, s_node1)) },
        { "moving without a migration", Of(new StreamWrite(s_row, s_row with { State = StreamRowState.Moving }, [])) },
        { "a migration while owned", Of(new StreamWrite(s_row, s_row with { Migration = new MigrationId("m") }, [])) },
        {
            "a reply for a stream not written",
            Of(s_append) with { Dedup = new DedupEntry(s_vm.Vcpu(0), new CommandId("c", "1"), default) }
        },
        {
            "a snapshot under another epoch",
            Of(s_append) with { Snapshot = new SnapshotRecord(s_vm, 1, new Epoch(7), 0, [], default, [], default) }
        },
    };

    [Fact]
    public void What_the_builder_makes_breaks_no_rule()
    {
        TransactionRules.Check(Of(s_append));
        TransactionRules.Check(Of(new StreamWriteBuilder(Moving()).AbortMove().Build()));
        TransactionRules.Check(Of(new StreamWriteBuilder(Moving())
            .Add(3, new JournalEvent.InputArrived([]))
            .MoveTo(s_node2)
            .Add(3, new JournalEvent.InputArrived([]))
            .Build()));
        TransactionRules.Check(Of(Taken(), new TakeoverClaim(s_node2, s_node1)));
        TransactionRules.Check(Of(new StreamWriteBuilder(s_row).Quarantine().Build()));
    }

    [Theory]
    [MemberData(nameof(Broken))]
    public void A_broken_rule_is_told(string what, StoreTransaction transaction)
    {
        ArgumentException fault = Assert.Throws<ArgumentException>(() => TransactionRules.Check(transaction));

        Assert.False(string.IsNullOrWhiteSpace(fault.Message), what);
    }

    private static StreamWrite Taken() => new StreamWriteBuilder(s_row).MoveTo(s_node2).Build();

    private static StoreTransaction WithFirst(JournalRecord record) =>
        Of(s_append with { Records = s_append.Records.SetItem(0, record) });

    private static StreamRow Moving() => new StreamWriteBuilder(s_row).BeginMove(new MigrationId("m"), s_node2).Next;

    private static StreamWrite Empty(StreamId stream) => StreamWriteBuilder.Create(stream, s_node1).Build();

    private static StoreTransaction Of(StreamWrite write, TakeoverClaim? claim = null) => new(s_vm, [write], claim);
}
