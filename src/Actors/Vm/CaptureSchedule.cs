// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Cluster;

namespace KvmActors.Actors.Vm;

/// <summary>When the next snapshot and the next sum over memory of one session are due, by <see cref="CapturePacing"/>
/// and the node's clock. Owned by one session.</summary>
/// <remarks>A snapshot carries a sum, and so paces both; a sum alone leaves snapshots as they are.</remarks>
internal sealed class CaptureSchedule
{
    private readonly TimeProvider _clock;
    private CapturePacing _snapshots;
    private CapturePacing _sums;
    private long _snapshotTakenAt;
    private long _sumTakenAt;

    /// <param name="retired">By the guest so far.</param>
    public CaptureSchedule(TimeProvider clock, ClusterNodeOptions options, ulong retired)
    {
        _clock = clock;
        _snapshots = CapturePacing.From(
            retired, options.SnapshotIntervalTicks, options.SnapshotTicksMax, options.SnapshotWaitMax);
        _sums = CapturePacing.From(
            retired, options.MemorySumIntervalTicks, ticksMax: ulong.MaxValue, options.SnapshotWaitMax);
    }

    /// <summary>Count of retired instructions from which a snapshot is due.</summary>
    /// <param name="retired">The count of now.</param>
    public ulong SnapshotAt(ulong retired) => _snapshots.DueAt(retired, _clock.GetElapsedTime(_snapshotTakenAt));

    /// <summary>Count of retired instructions from which a sum over memory is due.</summary>
    /// <param name="retired">The count of now.</param>
    public ulong MemorySumAt(ulong retired) => _sums.DueAt(retired, _clock.GetElapsedTime(_sumTakenAt));

    /// <summary>A slice has ended with this capture.</summary>
    /// <param name="progress">May be without a sum; then nothing changes.</param>
    /// <param name="retired">The count where it was taken.</param>
    public void On(CapturedProgress progress, ulong retired)
    {
        if (progress.TakesSnapshot)
        {
            _snapshots = _snapshots.Captured(retired);
            _snapshotTakenAt = _clock.GetTimestamp();
        }

        if (progress.SumsMemory)
        {
            _sums = _sums.Captured(retired);
            _sumTakenAt = _clock.GetTimestamp();
        }
    }

    /// <summary>What this capture needed is hashed and its pages are stored, or were given up.</summary>
    /// <param name="progress">The last one that was given to <see cref="On"/>.</param>
    /// <param name="begunAt">Timestamp at which that began.</param>
    public void OnWorkedOff(CapturedProgress progress, long begunAt)
    {
        TimeSpan work = _clock.GetElapsedTime(begunAt);
        if (progress.TakesSnapshot)
        {
            _snapshots = _snapshots.WorkedOff(progress.Pause, work);
        }

        if (progress.SumsMemory)
        {
            _sums = _sums.WorkedOff(progress.Pause, work);
        }
    }
}
