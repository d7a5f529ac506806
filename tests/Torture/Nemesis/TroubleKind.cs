// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Torture.Nemesis;

/// <summary>What the nemesis can do. Its names are those of the log.</summary>
internal enum TroubleKind
{
    /// <summary>SIGKILL to a node; the next process of its name follows at once.</summary>
    KillNode,

    /// <summary>The same to two at one moment.</summary>
    KillTwoNodes,

    /// <summary>SIGSTOP for longer than the lease, then SIGCONT.</summary>
    StopNode,

    /// <summary>Nothing of one node reaches another one, by iptables.</summary>
    CutOneWay,

    /// <summary>A node loses 20 % of what is sent to it.</summary>
    LoseFifth,

    /// <summary>The store's disk is full for a while.</summary>
    FillDisk,

    /// <summary>SIGSTOP to a node while it has the turn to write (SQLite): its peers have to kill it.</summary>
    StopInsideWrite,

    /// <summary>A node reaches its peers, but not the server (PostgreSQL).</summary>
    CutFromStore,

    /// <summary>SIGKILL to all processes of the server, which comes back (PostgreSQL).</summary>
    KillServer,

    /// <summary>pg_terminate_backend of every session (PostgreSQL).</summary>
    EndSessions,
}
