// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Cluster;
using KvmActors.Persistence;
using KvmActors.Persistence.Snapshots;

namespace KvmActors.Actors.Vm;

/// <summary>Stores the pages of what was captured for a snapshot, and gives the draft that a commit takes. Owned by one
/// session.</summary>
internal sealed class SnapshotDrafts(VmServices services, SnapshotPages pages)
{
    /// <inheritdoc cref="SnapshotPages.Forget"/>
    public void Forget() => pages.Forget();

    /// <summary>The draft of a snapshot of a guest that runs on.</summary>
    /// <param name="id">The snapshot's.</param>
    /// <param name="output">Without what the slice put out.</param>
    /// <returns>Null where none was captured, or the store did not take its pages.</returns>
    public async Task<VmCommit.SnapshotDraft?> TryDraftAsync(
        VmRows rows,
        ulong id,
        ConsoleLog output,
        SliceCapture slice,
        CapturedProgress progress,
        CancellationToken cancellationToken)
    {
        if (!pages.CanTake(progress))
        {
            return null;
        }

        try
        {
            ConsoleLog console = new(output.End, output.Tail());
            console.Append(slice.Result.ConsoleOffset, slice.Result.Console.Span);
            return await DraftAsync(id, console, progress, cancellationToken);
        }
        catch (StoreUnavailableException failure)
        {
            // A snapshot only shortens a rebuild: the guest goes on without this one.
            services.Observer.On(new ClusterEvent.StoreTrouble($"snapshot of {rows.Vm}", failure.Message));
            return null;
        }
    }

    /// <returns>Null where none was captured.</returns>
    /// <exception cref="StoreUnavailableException">Its pages could not be stored; the next snapshot has them.
    /// </exception>
    public async Task<VmCommit.SnapshotDraft?> DraftAsync(
        ulong id, ConsoleLog output, CapturedProgress progress, CancellationToken cancellationToken)
    {
        if (!pages.CanTake(progress))
        {
            return null;
        }

        SnapshotPages.Stored stored = await pages.PutAsync(services.Store, progress, cancellationToken);
        return new VmCommit.SnapshotDraft(
            id,
            progress.Machine.VmTime,
            SnapshotCodec.Encode(progress.Machine),
            stored.Pages,
            output.Tail())
        {
            PagesSince = stored.Since,
            Retention = services.Options.SnapshotRetention,
        };
    }
}
