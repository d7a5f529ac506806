// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Actors.Vcpu;
using KvmActors.Actors.Vm;
using KvmActors.Persistence;
using KvmActors.Persistence.Events;
using KvmActors.Persistence.Journal;
using KvmActors.Persistence.Ownership;
using KvmActors.Persistence.Snapshots;

namespace KvmActors.Actors.Replay;

/// <summary>All that the journal holds of one VM, decoded and its chains checked, in replay order.</summary>
/// <param name="Rows">The fence rows as they were read; the journal goes to their heads.</param>
public sealed record VmHistory(VmRows Rows, ImmutableArray<ReplayEvent> Events)
{
    public VmId Vm => Rows.Vm;

    /// <summary>Hash of the VM's first record: another VM that once had its name had another one.</summary>
    public Digest Birth { get; init; }

    /// <summary>VM time of the last journaled event.</summary>
    public ulong VmTime => Events.IsEmpty ? 0 : Events[^1].VmTime;

    /// <summary>Reads the streams of a VM up to the heads in <paramref name="rows"/>.</summary>
    /// <exception cref="StoreCorruptException">A record is missing, or does not fit its hash, or cannot be
    /// read.</exception>
    public static async Task<VmHistory> ReadAsync(IStore store, VmRows rows, CancellationToken cancellationToken)
    {
        List<ReplayEvent> events = [];
        Digest birth = default;
        foreach (StreamRow row in rows.All)
        {
            Digest first = await ReadStreamAsync(store, row, events, cancellationToken);
            birth = row.Stream == rows.Own.Stream ? first : birth;
        }

        return new VmHistory(rows, ReplayOrder.Merge(events)) { Birth = birth };
    }

    /// <summary>The same history up to later heads; reads only what is new.</summary>
    /// <exception cref="StoreCorruptException">A new record does not fit its hash.</exception>
    public async Task<VmHistory> ExtendAsync(IStore store, VmRows later, CancellationToken cancellationToken)
    {
        List<ReplayEvent> events = [.. Events];
        for (int index = 0; index < later.All.Length; index++)
        {
            StreamRow known = Rows.All[index];
            StreamRow row = later.All[index];
            Digest hash = known.HeadHash;
            await foreach (JournalRecord record in
                store.ReadAsync(row.Stream, known.HeadSeq + 1, row.HeadSeq, cancellationToken))
            {
                hash = HashChain.Next(hash, record);
                events.Add(new ReplayEvent(
                    row.Stream, record.Seq, record.Epoch, record.VmTime, EventCodec.Decode(record)));
            }

            if (hash != row.HeadHash)
            {
                throw new StoreCorruptException(
                    $"Stream {row.Stream}: expected the records from {known.HeadSeq + 1} to {row.HeadSeq} to end in "
                    + $"hash {row.HeadHash}, found {hash}. Look at: journal verify.");
            }
        }

        return new VmHistory(later, ReplayOrder.Merge(events)) { Birth = Birth };
    }

    /// <summary>What the VM's stream says.</summary>
    public VmState FoldVm() => VmState.Fold(
        Vm, InSequence(Vm.Stream).Select(next => (next.Event, next.VmTime)));

    /// <summary>What the streams of its vCPUs say, by index.</summary>
    public ImmutableArray<VcpuActorState> FoldVcpus() =>
    [
        .. Rows.All.Skip(1).Select(
            row => VcpuActorState.Fold(row.Stream, InSequence(row.Stream).Select(next => next.Event))),
    ];

    /// <summary>The events behind a snapshot.</summary>
    public ImmutableArray<ReplayEvent> Behind(SnapshotRecord snapshot)
    {
        var heads = snapshot.Heads.ToDictionary(head => head.Stream, head => head.Seq);
        return [.. Events.Where(next => next.Seq > heads[next.Stream])];
    }

    private IEnumerable<ReplayEvent> InSequence(StreamId stream) =>
        Events.Where(next => next.Stream == stream).OrderBy(next => next.Seq);

    /// <returns>Hash of the first record.</returns>
    private static async Task<Digest> ReadStreamAsync(
        IStore store, StreamRow row, List<ReplayEvent> events, CancellationToken cancellationToken)
    {
        Digest first = default;
        var verifier = new JournalVerifier(row.Stream);
        await foreach (JournalRecord record in store.ReadAsync(row.Stream, 1, row.HeadSeq, cancellationToken))
        {
            ThrowIfDamaged(verifier.Next(record));
            first = record.Seq == 1 ? record.Hash : first;
            events.Add(new ReplayEvent(row.Stream, record.Seq, record.Epoch, record.VmTime, verifier.Event!));
        }

        ThrowIfDamaged(verifier.End(row));
        return first;
    }

    private static void ThrowIfDamaged(JournalDamage? damage)
    {
        if (damage is not null)
        {
            throw new StoreCorruptException(damage.ToString());
        }
    }
}
