// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Cpuid;
using KvmActors.Persistence;
using KvmActors.Persistence.Events;
using KvmActors.Persistence.Journal;
using KvmActors.Persistence.Ownership;
using KvmActors.Persistence.Snapshots;

namespace KvmActors.Actors.Vm;

/// <summary>Reads the end of a VM's journal.</summary>
internal static class JournalTail
{
    /// <returns>VM time of the last event in any of the VM's streams.</returns>
    public static async Task<ulong> LastVmTimeAsync(IStore store, VmRows rows, CancellationToken cancellationToken)
    {
        ulong last = 0;
        foreach (StreamRow row in rows.All)
        {
            await foreach (JournalRecord record in
                store.ReadAsync(row.Stream, row.HeadSeq, row.HeadSeq, cancellationToken))
            {
                last = Math.Max(last, record.VmTime);
            }
        }

        return last;
    }

    /// <returns>Guest memory that the VM was created with.</returns>
    /// <exception cref="StoreCorruptException">The first record cannot be read.</exception>
    public static async Task<ulong> MemoryBytesAsync(IStore store, VmRows rows, CancellationToken cancellationToken)
    {
        ulong bytes = 0;
        await foreach (JournalRecord record in store.ReadAsync(rows.Own.Stream, 1, 1, cancellationToken))
        {
            bytes = EventCodec.Decode(record) is JournalEvent.VmCreated created ? created.Spec.MemoryBytes : bytes;
        }

        return bytes;
    }

    /// <returns>The last CPUID table in a vCPU's stream behind a snapshot; null where none was set.</returns>
    /// <exception cref="StoreCorruptException">A record cannot be read.</exception>
    public static async Task<CpuidTable?> LastCpuidAsync(
        IStore store, StreamRow vcpu, SnapshotRecord snapshot, CancellationToken cancellationToken)
    {
        ulong from = snapshot.Heads.Single(head => head.Stream == vcpu.Stream).Seq + 1;
        CpuidTable? last = null;
        await foreach (JournalRecord record in store.ReadAsync(vcpu.Stream, from, vcpu.HeadSeq, cancellationToken))
        {
            last = record.Kind == EventKind.CpuidSet && EventCodec.Decode(record) is JournalEvent.CpuidSet set
                ? set.Table
                : last;
        }

        return last;
    }
}
