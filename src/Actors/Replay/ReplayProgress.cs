// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Actors.Replay;

/// <summary>Where a replay is.</summary>
public readonly record struct ReplayProgress(int EventsDone, int EventsAll, ulong VmTime, ulong VmTimeEnd)
{
    /// <summary>Wall time between two reports.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);
}
