// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Persistence.Events;

/// <summary>The number of an event in the journal's <c>kind</c> column. Numbers are never changed or used
/// again.</summary>
public enum EventKind
{
    VmCreated = 1,
    VcpuCreated = 2,
    CpuidSet = 3,
    Placed = 4,
    InputArrived = 5,
    LifecycleChanged = 6,
    MigrationStarted = 7,
    HandedOff = 8,
    MigrationAborted = 9,
    Quarantined = 10,
    PatchApplied = 11,
    Progress = 12,
    SnapshotTaken = 13,
    CpuidStepped = 14,
}
