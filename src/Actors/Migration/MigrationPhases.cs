// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Actors.Migration;

/// <summary>What a failure in each phase means. Pure.</summary>
/// <remarks>
/// <code>
/// failed in    | guest on source | rows        | the source does
/// Offer        | runs            | Owned       | refuses the command
/// Begin        | runs            | unknown     | aborts by CAS (nothing to abort is fine)
/// PreCopy      | runs            | Moving      | aborts by CAS, goes on
/// Pause        | stands still    | Moving      | aborts by CAS, then lets it run
/// StopAndCopy  | stands still    | Moving      | aborts by CAS, then lets it run
/// HandOver     | stands still    | either's    | aborts by CAS: if that is fenced, the target has the VM
/// </code>
/// </remarks>
public static class MigrationPhases
{
    public static bool GuestRunsOnSource(MigrationPhase phase) => phase switch
    {
        MigrationPhase.Offer => true,
        MigrationPhase.Begin => true,
        MigrationPhase.PreCopy => true,
        MigrationPhase.Pause => false,
        MigrationPhase.StopAndCopy => false,
        MigrationPhase.HandOver => false,
    };

    /// <summary>Whether a failure in this phase leaves rows behind that an abort must win back.</summary>
    public static bool NeedsAbort(MigrationPhase phase) => phase switch
    {
        MigrationPhase.Offer => false,
        MigrationPhase.Begin => true,
        MigrationPhase.PreCopy => true,
        MigrationPhase.Pause => true,
        MigrationPhase.StopAndCopy => true,
        MigrationPhase.HandOver => true,
    };
}
