// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Persistence.Membership;

public enum NodeStatus
{
    Active = 1,
    Draining = 2,

    /// <summary>For ever: a restarted process gets a new id.</summary>
    Dead = 3,
}
