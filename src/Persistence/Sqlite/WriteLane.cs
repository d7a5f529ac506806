// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Persistence.Sqlite;

/// <summary>What goes into a group first. Within a lane the order of the calls is kept.</summary>
internal enum WriteLane
{
    /// <summary>Leases: a late one costs a node its VMs.</summary>
    Membership = 0,

    Commit = 1,

    /// <summary>Bulk: one job of at most 1 MiB a group.</summary>
    Pages = 2,
}
