// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Cluster;

namespace KvmActors.Simulation.Tests.CrashPoints;

/// <summary>What is unusual about a <see cref="Scene"/>.</summary>
internal sealed record SceneSetup
{
    /// <summary>As on one machine; else as with a store on a server, where only leases tell who is dead.</summary>
    public bool HasFileLocks { get; init; } = true;

    /// <summary>Instructions between snapshots.</summary>
    public ulong SnapshotTicks { get; init; } = 10_000_000;

    public Func<ClusterNodeOptions, ClusterNodeOptions> Configure { get; init; } = static options => options;
}
