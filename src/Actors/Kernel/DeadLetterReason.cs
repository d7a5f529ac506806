// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Actors.Kernel;

/// <summary>Why a message was handled by nobody.</summary>
public enum DeadLetterReason
{
    /// <summary>The recipient had stopped, or stopped before its turn came.</summary>
    RecipientStopped = 0,

    /// <summary>The lane was at its bound; the sender was told.</summary>
    MailboxFull = 1,

    /// <summary>The stash was at its bound; the actor was told.</summary>
    StashFull = 2,

    /// <summary>An answer to a question that was answered or given up before.</summary>
    AskOver = 3,

    /// <summary>A reply to a message that came without a sender.</summary>
    NoSender = 4,

    /// <summary>The result of work that was started before a restart.</summary>
    BeforeRestart = 5,
}
