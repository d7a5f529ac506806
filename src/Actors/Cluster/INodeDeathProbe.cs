// SPDX-License-Identifier: Apache-2.0

using KvmActors.Persistence.Membership;

namespace KvmActors.Actors.Cluster;

/// <summary>Knows of nodes whose process is gone for certain, before their lease runs out.</summary>
/// <remarks>Host asks for the file lock that a node process holds as long as it lives; a simulation asks its own
/// knowledge. A stopped process (SIGSTOP) is not dead.</remarks>
public interface INodeDeathProbe
{
    /// <returns>True only on proof. Any doubt, also another machine, is false.</returns>
    bool IsProvenDead(NodeRow node);
}
