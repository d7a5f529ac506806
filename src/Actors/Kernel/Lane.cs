// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Actors.Kernel;

/// <summary>Which queue of a mailbox a message waits in. Order is kept per sender and lane, not across lanes.</summary>
public enum Lane
{
    /// <summary>Ordinary requests. Bounded by <see cref="Props.MailboxCapacity"/>.</summary>
    User = 0,

    /// <summary>Taken before any waiting user message, between two messages. Bounded by
    /// <see cref="Props.ControlCapacity"/>. For what must not wait behind a backlog: stop, pause, lease lost.</summary>
    Control = 1,
}
