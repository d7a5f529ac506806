// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;

namespace KvmActors.Actors.Vm;

/// <summary>What one slice is to do, and what is to be captured at its end.</summary>
/// <param name="UntilVmTime">The slice stops here at the latest.</param>
/// <param name="Input">Console input that enters before its first instruction.</param>
/// <param name="SnapshotAt">Count of retired instructions from which a snapshot is due.</param>
/// <param name="MemorySumAt">Count of retired instructions from which a sum over memory is due.</param>
/// <param name="ProgressAt">Timestamp of the clock from which a Progress is due.</param>
public sealed record SliceRequest(
    ulong UntilVmTime,
    ImmutableArray<byte> Input,
    ulong SnapshotAt,
    ulong MemorySumAt,
    long ProgressAt)
{
    /// <summary>How far VM time may go on while no vCPU can run; see
    /// <see cref="Machine.Time.SliceLimits.StandStillUntil"/>.</summary>
    public ulong StandStillUntil { get; init; } = ulong.MaxValue;

    /// <summary>The next multiple of <paramref name="interval"/> behind <paramref name="count"/>.</summary>
    public static ulong NextMultiple(ulong count, ulong interval)
    {
        ulong periods = (count / interval) + 1;
        return periods > ulong.MaxValue / interval ? ulong.MaxValue : periods * interval;
    }
}
