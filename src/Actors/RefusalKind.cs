// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Actors;

/// <summary>What a program may do about a <see cref="Refusal"/> without reading its sentence.</summary>
public enum RefusalKind
{
    /// <summary>The command does not fit the state; sending it again changes nothing.</summary>
    State = 1,

    /// <summary>What was named is not there.</summary>
    NotFound = 2,

    /// <summary>What was to be made is there already.</summary>
    Exists = 3,

    /// <summary>The command itself is wrong.</summary>
    Invalid = 4,

    /// <summary>A target cannot host the VM.</summary>
    Unsuitable = 5,

    /// <summary>Nobody can answer now: no owner, a closed lease, a lost link. The same command id may be sent
    /// again.</summary>
    Unavailable = 6,

    /// <summary>A bound was met; the same command id may be sent again.</summary>
    Busy = 7,
}
