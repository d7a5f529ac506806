// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;

namespace KvmActors.Actors.Vm;

/// <summary>What one slice is to do, and what is to be captured at its end.</summary>
/// <param name="UntilVmTime">The slice stops here at the latest.</param>
/// <param name="Input">Console input that enters before its first instruction.</param>
/// <param name="SnapshotAt">VM time from which a snapshot is due.</param>
/// <param name="MemorySumAt">VM time from which a sum over memory is due.</param>
/// <param name="ProgressAt">Timestamp of the clock from which a Progress is due.</param>
public sealed record SliceRequest(
    ulong UntilVmTime,
    ImmutableArray<byte> Input,
    ulong SnapshotAt,
    ulong MemorySumAt,
    long ProgressAt)
{
    /// <summary>The next multiple of <paramref name="interval"/> behind <paramref name="vmTime"/>.</summary>
    public static ulong NextMultiple(ulong vmTime, ulong interval)
    {
        ulong periods = (vmTime / interval) + 1;
        return periods > ulong.MaxValue / interval ? ulong.MaxValue : periods * interval;
    }
}
