// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Persistence.Ownership;

public enum StreamRowState
{
    Owned = 1,

    /// <summary>A planned move is under way; the owner still appends.</summary>
    Moving = 2,

    Quarantined = 3,
}
