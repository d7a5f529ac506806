// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Memory;

/// <summary>The independent readers of the dirty log. Taking the log as one does not change what another will
/// find.</summary>
public enum DirtyReader
{
    /// <summary>The incremental memory sum.</summary>
    Hash = 0,

    /// <summary>Snapshots, which store only pages that changed.</summary>
    Snapshot = 1,

    /// <summary>Pre-copy rounds of a migration.</summary>
    Migration = 2,
}
