// SPDX-License-Identifier: Apache-2.0

using KvmActors.Persistence;

namespace KvmActors.Actors.Migration;

/// <summary>A planned move that was done.</summary>
/// <param name="Stream">That the command was sent to: the VM's own, or its vCPU's.</param>
/// <param name="Vcpus">That moved together.</param>
/// <param name="Downtime">Null where the source did not see the end, or the guest was not running.</param>
/// <param name="PagesPreCopied">Pages sent while the guest ran.</param>
/// <param name="PagesStopped">Pages sent while it stood still.</param>
/// <param name="Rounds">Of pre-copy; 0 where a node of an older version told.</param>
/// <param name="VmTime">Where it went over.</param>
/// <param name="BytesSent">For pages, on the wire.</param>
public sealed record MigrationReport(
    MigrationId Migration,
    StreamId Stream,
    int Vcpus,
    NodeId From,
    NodeId To,
    Epoch EpochFrom,
    Epoch EpochTo,
    ulong VmTime,
    DowntimeReport? Downtime,
    int PagesPreCopied,
    int PagesStopped,
    int Rounds,
    ulong BytesSent);
