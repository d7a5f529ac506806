// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Vm;
using KvmActors.Machine;
using KvmActors.Persistence;
using KvmActors.Persistence.Events;
using KvmActors.Persistence.Snapshots;

namespace KvmActors.Actors.Replay;

/// <summary>Compares stored snapshots with what the journal says of them: each is restored, and hashed.</summary>
internal sealed class SnapshotCheck(IStore store, IGuestFactory guests, MachineSpec spec)
{
    /// <summary>Snapshots that were compared.</summary>
    public int Compared { get; private set; }

    /// <param name="events">Of one VM.</param>
    /// <returns>The first snapshot that is another one, or null.</returns>
    /// <exception cref="StoreCorruptException">A snapshot or a page does not fit its digest.</exception>
    public async Task<Divergence?> RunAsync(IEnumerable<ReplayEvent> events, CancellationToken cancellationToken)
    {
        foreach (ReplayEvent next in events)
        {
            if (next.Event is not JournalEvent.SnapshotTaken taken
                || await store.FindByIdAsync(next.Stream.Vm, taken.SnapshotId, cancellationToken) is not { } stored)
            {
                continue;
            }

            Compared++;
            string expected = $"snapshot {taken.SnapshotId} with state {taken.State}, memory sum {taken.Memory}";
            string found = await DescribeAsync(stored, cancellationToken);
            if (expected != found)
            {
                return new Divergence(next.Stream, next.Seq, next.VmTime, expected, found);
            }
        }

        return null;
    }

    private async Task<string> DescribeAsync(SnapshotRecord stored, CancellationToken cancellationToken)
    {
        IReadOnlyList<ReadOnlyMemory<byte>> bytes =
            await store.GetAsync([.. stored.Pages.Select(page => page.Digest)], cancellationToken);
        using IGuest guest = guests.Restore(
            spec,
            SnapshotCodec.Decode(stored.State),
            stored.Pages.Select((page, at) => ((int)page.PageNumber, bytes[at])));
        return $"snapshot {stored.Id} with state {guest.HashState()}, memory sum {guest.SumMemory()}";
    }
}
