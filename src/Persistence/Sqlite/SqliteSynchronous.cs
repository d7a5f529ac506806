// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Persistence.Sqlite;

/// <summary>What a commit survives. Source: sqlite.org/pragma.html, "synchronous".</summary>
public enum SqliteSynchronous
{
    /// <summary>Survives the death of processes (kill -9), but a loss of power may lose the last commits: the WAL is
    /// not flushed at each commit. Several times faster on a disk that flushes slowly.</summary>
    Normal = 1,

    /// <summary>Survives a loss of power: the WAL is flushed at each commit. What is acknowledged stays.</summary>
    Full = 2,
}
