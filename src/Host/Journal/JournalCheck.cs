// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Persistence;
using KvmActors.Persistence.Journal;
using KvmActors.Persistence.Ownership;
using KvmActors.Persistence.Snapshots;

namespace KvmActors.Host.Journal;

/// <summary>Checks streams from their first record, and the snapshots and pages that belong to them.</summary>
/// <remarks>A damaged stream does not stop the check of the others.</remarks>
internal sealed class JournalCheck(IStore store)
{
    private const int PagesPerRead = 256;

    private readonly ImmutableArray<DamageReport>.Builder _damage = ImmutableArray.CreateBuilder<DamageReport>();
    private ulong _records;
    private ulong _pages;
    private int _snapshots;

    public async Task<VerifyReport> RunAsync(IReadOnlyList<StreamRow> rows, CancellationToken cancellationToken)
    {
        foreach (StreamRow row in rows)
        {
            await CheckStreamAsync(row, cancellationToken).ConfigureAwait(false);
        }

        foreach (VmId vm in rows.Select(row => row.Stream.Vm).Distinct())
        {
            await CheckSnapshotsAsync(vm, cancellationToken).ConfigureAwait(false);
        }

        return new VerifyReport(_damage.Count == 0, rows.Count, _records, _snapshots, _pages, _damage.ToImmutable());
    }

    private async Task CheckStreamAsync(StreamRow row, CancellationToken cancellationToken)
    {
        try
        {
            JournalDamage? damage = await JournalVerifier.CheckAsync(store, row.Stream, cancellationToken)
                .ConfigureAwait(false);
            if (damage is null)
            {
                _records += row.HeadSeq;
            }
            else
            {
                _records += damage.Seq - Math.Min(damage.Seq, 1);
                _damage.Add(DamageReport.Of(damage));
            }
        }
        catch (StoreCorruptException fault)
        {
            _damage.Add(new DamageReport(row.Stream.ToString(), Seq: null, "record", fault.Message));
        }
    }

    private async Task CheckSnapshotsAsync(VmId vm, CancellationToken cancellationToken)
    {
        foreach (SnapshotSummary summary in await store.ListSnapshotsAsync(vm, cancellationToken).ConfigureAwait(false))
        {
            try
            {
                SnapshotRecord? snapshot = await store.FindByIdAsync(vm, summary.Id, cancellationToken)
                    .ConfigureAwait(false);
                if (snapshot is null)
                {
                    // A running owner drops old ones.
                    continue;
                }

                _ = SnapshotCodec.Decode(snapshot.State);
                foreach (PageReference[] piece in snapshot.Pages.Chunk(PagesPerRead))
                {
                    await store.GetAsync([.. piece.Select(page => page.Digest)], cancellationToken)
                        .ConfigureAwait(false);
                    _pages += (ulong)piece.Length;
                }

                _snapshots++;
            }
            catch (Exception fault) when (fault is StoreCorruptException or JournalFormatException)
            {
                if (!(await store.ListSnapshotsAsync(vm, cancellationToken).ConfigureAwait(false)).Contains(summary))
                {
                    // Dropped while it was read, and its pages collected.
                    continue;
                }

                _damage.Add(new DamageReport(
                    vm.ToString(), Seq: null, "snapshot", $"VM {vm}, snapshot {summary.Id}: {fault.Message}"));
            }
        }
    }
}
