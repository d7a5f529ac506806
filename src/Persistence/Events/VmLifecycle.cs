// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Persistence.Events;

/// <summary>Where a VM is in its life, as its users see it.</summary>
public enum VmLifecycle
{
    Created = 1,
    Running = 2,
    Paused = 3,

    /// <summary>By command; it can be started again where it stood.</summary>
    Stopped = 4,

    /// <summary>The guest came to its end by itself.</summary>
    Ended = 5,

    Quarantined = 6,
}
