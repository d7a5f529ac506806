// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Persistence;
using KvmActors.Persistence.Events;
using KvmActors.Persistence.Journal;
using KvmActors.Persistence.Snapshots;

namespace KvmActors.Actors.Vm;

/// <summary>Puts one commit of a VM together, so that all its rows move together. Pure; use one for one
/// commit.</summary>
/// <remarks>It remembers the events too: what is durable is folded into the states that the actors hold.</remarks>
public sealed class VmCommit
{
    private readonly VmId _vm;
    private readonly ImmutableArray<StreamWriteBuilder> _writes;
    private readonly ImmutableArray<Entry>.Builder _entries = ImmutableArray.CreateBuilder<Entry>();
    private TakeoverClaim? _takeover;
    private DedupEntry? _dedup;
    private SnapshotDraft? _snapshot;

    private VmCommit(VmId vm, ImmutableArray<StreamWriteBuilder> writes)
    {
        _vm = vm;
        _writes = writes;
    }

    /// <summary>One event of the commit.</summary>
    public sealed record Entry(StreamId Stream, ulong VmTime, JournalEvent Event);

    /// <summary>A snapshot at this commit; its heads are those behind the commit's records.</summary>
    public sealed record SnapshotDraft(
        ulong Id,
        ulong VmTime,
        ReadOnlyMemory<byte> State,
        ImmutableArray<PageReference> Pages,
        ReadOnlyMemory<byte> Console)
    {
        /// <inheritdoc cref="StoreTransaction.PagesSince"/>
        public ulong PagesSince { get; init; }

        /// <inheritdoc cref="StoreTransaction.Retention"/>
        public SnapshotRetention? Retention { get; init; }
    }

    /// <summary>A commit ready to be sent, what it says, and the rows as they are once it is durable.</summary>
    public sealed record Prepared(StoreTransaction Transaction, ImmutableArray<Entry> Entries, VmRows After);

    /// <summary>A commit on rows that are there.</summary>
    public static VmCommit On(VmRows rows) => new(rows.Vm, [.. rows.All.Select(row => new StreamWriteBuilder(row))]);

    /// <summary>The commit that creates a VM.</summary>
    public static VmCommit Create(VmId vm, int vcpuCount, NodeId owner) => new(
        vm,
        [
            StreamWriteBuilder.Create(vm.Stream, owner),
            .. Enumerable.Range(0, vcpuCount).Select(index => StreamWriteBuilder.Create(vm.Vcpu(index), owner)),
        ]);

    public VmCommit Add(StreamId stream, ulong vmTime, JournalEvent journalEvent, CommandId? command = null)
    {
        _writes[stream.VcpuIndex + 1].Add(vmTime, journalEvent, command);
        _entries.Add(new Entry(stream, vmTime, journalEvent));
        return this;
    }

    /// <summary>The same event in every stream, so that each tells its own story.</summary>
    public VmCommit AddToAll(ulong vmTime, JournalEvent journalEvent, CommandId? command = null)
    {
        foreach (StreamWriteBuilder write in _writes)
        {
            Add(write.Next.Stream, vmTime, journalEvent, command);
        }

        return this;
    }

    /// <summary>Changes every row.</summary>
    public VmCommit OnRows(Action<StreamWriteBuilder> change)
    {
        foreach (StreamWriteBuilder write in _writes)
        {
            change(write);
        }

        return this;
    }

    /// <summary>Gives the VM to another node under the next epoch, and journals that in every stream.</summary>
    public VmCommit MoveTo(NodeId node, ulong vmTime, Cpu.Hypercalls.HostVendor vendor)
    {
        OnRows(write => write.MoveTo(node));
        return AddToAll(vmTime, new JournalEvent.Placed(node, _writes[0].Next.Epoch, vendor));
    }

    public VmCommit Claim(NodeId claimant, NodeId? dead)
    {
        _takeover = new TakeoverClaim(claimant, dead);
        return this;
    }

    public VmCommit Answer(DedupEntry? reply)
    {
        _dedup = reply;
        return this;
    }

    public VmCommit Take(SnapshotDraft snapshot)
    {
        _snapshot = snapshot;
        return OnRows(write => write.Snapshot(snapshot.Id));
    }

    public Prepared Build()
    {
        ImmutableArray<StreamWrite> writes = [.. _writes.Select(write => write.Build())];
        var after = VmRows.Of(writes.Select(write => write.Next));
        SnapshotRecord? snapshot = _snapshot is null ? null : Complete(_snapshot, after);
        return new Prepared(
            new StoreTransaction(_vm, writes, _takeover, _dedup, snapshot)
            {
                PagesSince = _snapshot?.PagesSince ?? 0,
                Retention = _snapshot?.Retention,
            },
            _entries.ToImmutable(),
            after);
    }

    private static SnapshotRecord Complete(SnapshotDraft draft, VmRows after) => new(
        after.Vm,
        draft.Id,
        after.Epoch,
        draft.VmTime,
        [.. after.All.Select(row => new StreamHead(row.Stream, row.HeadSeq, row.HeadHash))],
        draft.State,
        draft.Pages,
        draft.Console);
}
