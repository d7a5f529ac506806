// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Cluster;
using KvmActors.Persistence.Membership;

namespace KvmActors.Host.Node;

/// <summary>Proves nobody's death: nodes of several machines are known by their leases alone.</summary>
internal sealed class LeaseOnlyProbe : INodeDeathProbe
{
    public bool IsProvenDead(NodeRow node) => false;
}
