// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Persistence.Postgres;

/// <summary>How a <see cref="PostgresStore"/> works.</summary>
public sealed record PostgresStoreOptions
{
    /// <summary>How long a transaction waits until a connection takes it, before it is refused as not committed. More
    /// than 0.</summary>
    public TimeSpan CommitTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long the server works on one statement before it gives it up. At least 1 ms.</summary>
    public TimeSpan StatementTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>How long a connection may take to be made. Whole seconds, at least one.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>Connections that commit: so many groups are on their way at one time, each of other VMs. 1 to
    /// 64.</summary>
    public int Writers { get; init; } = 2;

    /// <summary>Connections for reads and pages together. 1 to 1000.</summary>
    public int Readers { get; init; } = 8;

    /// <summary>Waits for the standbys too that the server names in synchronous_standby_names, until they show what was
    /// committed (remote_apply); else until they have it on disk (on).</summary>
    public bool WaitForStandbyToApply { get; init; }

    /// <summary>Measures leases and the age of replies instead of the server's clock. For tests: in a cluster of
    /// several machines only the server's clock is one that all nodes share.</summary>
    public TimeProvider? Clock { get; init; }

    /// <summary>Names the clock that leases are measured by; a lease of another clock is over.</summary>
    public string ClockName { get; init; } = "database";
}
