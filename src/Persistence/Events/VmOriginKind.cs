// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Persistence.Events;

/// <summary>How a VM came from another one's past.</summary>
public enum VmOriginKind
{
    /// <summary>Restored from a saved VM's file.</summary>
    File = 1,

    /// <summary>Forked from a VM of the same store.</summary>
    Fork = 2,
}
