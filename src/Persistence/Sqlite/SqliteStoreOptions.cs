// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Persistence.Sqlite;

/// <summary>How a <see cref="SqliteStore"/> works.</summary>
public sealed record SqliteStoreOptions
{
    /// <summary>When a commit counts as durable.</summary>
    public SqliteSynchronous Synchronous { get; init; } = SqliteSynchronous.Full;

    /// <summary>Names the boot of this machine; null reads it from the kernel.</summary>
    public string? BootId { get; init; }

    /// <summary>How long a transaction waits for its turn before it is refused as not committed. More than 0.</summary>
    public TimeSpan CommitTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long a stopped process (SIGSTOP) may hold the writer lock before it is killed. At least the lease,
    /// so that it has lost its ownership already. <see cref="Timeout.InfiniteTimeSpan"/> never kills.</summary>
    public TimeSpan StoppedHolderAfter { get; init; } = TimeSpan.FromSeconds(3);
}
