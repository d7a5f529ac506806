// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Persistence;

namespace KvmActors.Actors.Replay;

/// <summary>The order in which the events of a VM's streams are replayed: VM time, then epoch, then the VM's stream
/// before its vCPUs by index, then sequence. Pure.</summary>
/// <remarks>At VM time 0 the vCPUs come first: before its guest runs, and only then, a vCPU may get another CPUID
/// table, and what the VM's stream says of the state there (the hash of a hand-over) includes it.</remarks>
public static class ReplayOrder
{
    /// <exception cref="StoreCorruptException">VM time runs backwards within a stream.</exception>
    public static ImmutableArray<ReplayEvent> Merge(IEnumerable<ReplayEvent> events)
    {
        ImmutableArray<ReplayEvent> ordered =
        [
            .. events.OrderBy(next => next.VmTime)
                .ThenBy(next => next.Epoch.Value)
                .ThenBy(next => next.VmTime == 0 && next.Stream.VcpuIndex < 0)
                .ThenBy(next => next.Stream)
                .ThenBy(next => next.Seq),
        ];
        Dictionary<StreamId, ReplayEvent> last = [];
        foreach (ReplayEvent next in ordered)
        {
            if (last.TryGetValue(next.Stream, out ReplayEvent? before) && before.Seq >= next.Seq)
            {
                throw new StoreCorruptException(
                    $"Stream {next.Stream}: expected VM time not to run backwards, found sequence {next.Seq} at "
                    + $"{next.VmTime} and sequence {before.Seq} at {before.VmTime}.");
            }

            last[next.Stream] = next;
        }

        return ordered;
    }
}
