// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Actors.Kernel;

/// <summary>How an envelope came into the mailbox.</summary>
internal enum EnvelopeOrigin : byte
{
    /// <summary>By Tell: it counts against the lane's bound.</summary>
    Told = 0,

    /// <summary>By the kernel on the actor's own behalf (timer, piped result, Terminated): bounded elsewhere.</summary>
    Own = 1,

    /// <summary>Back from the stash: already counted, already looked at.</summary>
    Stashed = 2,
}
