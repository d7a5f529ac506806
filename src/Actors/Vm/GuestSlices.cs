// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Actors.Cluster;
using KvmActors.Actors.Kernel;
using KvmActors.Cpu.Memory;
using KvmActors.Machine.Hashing;
using KvmActors.Machine.Time;

namespace KvmActors.Actors.Vm;

/// <summary>Lends a guest to its runner, one slice at a time, and captures at each slice's end, on the runner, what is
/// to outlive it.</summary>
/// <remarks>A slice ends at its limits, after <see cref="ClusterNodeOptions.SliceWall"/> of wall time (but see
/// <see cref="IsCommitting"/>), when it is asked to, or as soon as the node's lease is over. While it runs, nobody else
/// may touch the guest.</remarks>
internal sealed class GuestSlices(
    IGuest guest, ISliceRunner runner, TimeProvider clock, LeaseGate gate, ClusterNodeOptions options)
{
    private volatile bool _isAskedToStop;
    private volatile bool _isCommitting;
    private volatile bool _snapshotTakesAll;

    public IGuest Guest => guest;

    /// <summary>The slice that runs, or has ended and was not fetched.</summary>
    public Task<SliceCapture>? Current { get; private set; }

    /// <summary>The next snapshot holds every page, not only those written since the last one: see
    /// <see cref="CapturedProgress.IsWhole"/>. Any thread.</summary>
    public void TakeAllAtNextSnapshot() => _snapshotTakesAll = true;

    /// <summary>The last slice's commit is under way: so long the next one goes on beyond
    /// <see cref="ClusterNodeOptions.SliceWall"/>, up to <see cref="ClusterNodeOptions.ProgressInterval"/>, for at its
    /// end the guest would only stand still. Any thread.</summary>
    public bool IsCommitting
    {
        get => _isCommitting;
        set => _isCommitting = value;
    }

    public Task<SliceCapture> Start(SliceRequest request, CancellationToken cancellationToken)
    {
        if (Current is not null)
        {
            throw new InvalidOperationException("Expected no slice under way, found one: fetch its end first.");
        }

        _isAskedToStop = false;
        Current = RunAsync(request, cancellationToken);
        return Current;
    }

    /// <summary>Asks the running slice to end at its next look. Any thread.</summary>
    public void AskToStop() => _isAskedToStop = true;

    /// <summary>Takes the slice that has ended, so that the next one may start.</summary>
    public void Fetch() => Current = null;

    /// <summary>Uses the guest between two slices, on the runner.</summary>
    public async Task<T> BorrowAsync<T>(Func<IGuest, T> use, CancellationToken cancellationToken)
    {
        T? result = default;
        await runner.RunAsync(
            () =>
            {
                result = use(guest);
                return new SliceResult(
                    SliceStop.Yielded, guest.VmTime, guest.InstructionsRetired, 0, ReadOnlyMemory<byte>.Empty, []);
            },
            cancellationToken);
        return result!;
    }

    /// <summary>Captures a Progress between two slices.</summary>
    public Task<CapturedProgress> CaptureAsync(bool withMemory, CancellationToken cancellationToken) =>
        BorrowAsync(lent => Capture(lent, withMemory, takesSnapshot: false), cancellationToken);

    /// <summary>Captures a Progress with the memory's sum, and these pages with it.</summary>
    public Task<(CapturedProgress Progress, ImmutableArray<CapturedPage> Pages)> CaptureAsync(
        Func<IGuest, IEnumerable<int>> pages, CancellationToken cancellationToken) => BorrowAsync(
            lent =>
            {
                PageCopies copies = lent.CopyPages();
                return (
                    Capture(lent, copies, withMemory: true, takesSnapshot: false),
                    pages(lent).Select(page => CapturedPage.Of(copies, page)).ToImmutableArray());
            },
            cancellationToken);

    /// <summary>Captures a Progress with a snapshot's pages between two slices.</summary>
    public Task<CapturedProgress> CaptureSnapshotAsync(CancellationToken cancellationToken) =>
        BorrowAsync(lent => Capture(lent, withMemory: true, takesSnapshot: true), cancellationToken);

    private async Task<SliceCapture> RunAsync(SliceRequest request, CancellationToken cancellationToken)
    {
        SliceCapture? capture = null;
        await runner.RunAsync(
            () =>
            {
                capture = RunSlice(request);
                return capture.Result;
            },
            cancellationToken);
        return capture!;
    }

    private SliceCapture RunSlice(SliceRequest request)
    {
        ulong start = guest.VmTime;
        if (!request.Input.IsDefaultOrEmpty)
        {
            guest.InjectInput(request.Input.AsSpan());
        }

        long startedAt = clock.GetTimestamp();
        SliceResult result = guest.RunSlice(new SliceLimits(request.UntilVmTime, () => ShouldYield(startedAt))
        {
            StandStillUntil = request.StandStillUntil,
        });
        long endedAt = clock.GetTimestamp();
        bool takesSnapshot = result.InstructionsRetired >= request.SnapshotAt && guest.End is null;
        bool sumsMemory = takesSnapshot || guest.End is not null || result.InstructionsRetired >= request.MemorySumAt;
        bool isDue = sumsMemory || !request.Input.IsDefaultOrEmpty || !result.Console.IsEmpty || !result.Patches.IsEmpty
            || endedAt >= request.ProgressAt;
        CapturedProgress? progress = isDue ? Capture(guest, sumsMemory, takesSnapshot) : null;
        return new SliceCapture(result, start, request.Input, endedAt, guest.End, progress);
    }

    private bool ShouldYield(long startedAt) => _isAskedToStop
        || clock.GetElapsedTime(startedAt) >= (_isCommitting ? options.ProgressInterval : options.SliceWall)
        || !gate.IsOpen;

    private CapturedProgress Capture(IGuest lent, bool withMemory, bool takesSnapshot) =>
        Capture(lent, lent.CopyPages(), withMemory, takesSnapshot);

    private CapturedProgress Capture(IGuest lent, PageCopies copies, bool withMemory, bool takesSnapshot)
    {
        long begunAt = clock.GetTimestamp();
        PendingMemorySum? memory = withMemory ? lent.CaptureMemory(copies) : null;
        bool takesAll = takesSnapshot && _snapshotTakesAll;
        ImmutableArray<CapturedPage> pages = takesSnapshot ? TakeSnapshotPages(lent, copies, takesAll) : default;
        return new CapturedProgress(lent.Save(), memory, pages)
        {
            IsWhole = takesAll,
            Pause = clock.GetElapsedTime(begunAt),
        };
    }

    private ImmutableArray<CapturedPage> TakeSnapshotPages(
        IGuest lent, PageCopies copies, bool takesAll)
    {
        ImmutableArray<int> dirty = lent.TakeDirty(DirtyReader.Snapshot);
        _snapshotTakesAll = false;
        return takesAll
            ? CapturedPage.AllOf(lent, copies)
            : [.. dirty.Select(page => CapturedPage.Of(copies, page))];
    }
}
