// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Actors.Kernel;

/// <summary>What became of a message at the door of a mailbox. Anything but <see cref="Accepted"/> is also a counted
/// dead letter.</summary>
/// <remarks>Accepted is no promise of handling: the actor may stop first, and then the message is a dead
/// letter.</remarks>
public enum TellResult
{
    Accepted = 0,

    /// <summary>The lane is at its bound. Back off and try again, or tell the caller.</summary>
    MailboxFull = 1,

    /// <summary>The actor, or its system, has stopped.</summary>
    Stopped = 2,
}
