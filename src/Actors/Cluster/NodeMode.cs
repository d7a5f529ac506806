// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Actors.Cluster;

/// <summary>Whether a node still takes VMs. Any thread.</summary>
internal sealed class NodeMode
{
    private volatile bool _isDraining;

    /// <summary>It gives away what it owns and takes nothing. Never taken back: the node leaves.</summary>
    public bool IsDraining => _isDraining;

    public void Drain() => _isDraining = true;
}
