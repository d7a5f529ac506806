// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Actors.Kernel;

/// <summary>What a parent decides about a child that failed. The message it failed on is not delivered again.</summary>
public enum SupervisionDirective
{
    /// <summary>A new instance takes over mailbox, stash and address, after the backoff. Children and timers are
    /// stopped.</summary>
    Restart = 0,

    /// <summary>The same instance goes on with the next message. A failure to start cannot be resumed: it
    /// restarts.</summary>
    Resume = 1,

    Stop = 2,

    /// <summary>The parent fails in its place, by a <see cref="ChildFailedException"/>.</summary>
    Escalate = 3,
}
