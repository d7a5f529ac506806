// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Actors.Cluster;

/// <summary>Is told what a node does that someone would look for: Host logs it, a simulation checks invariants on
/// it.</summary>
/// <remarks>Any thread; must not block and must not throw.</remarks>
public interface IClusterObserver
{
    void On(ClusterEvent happened);
}
