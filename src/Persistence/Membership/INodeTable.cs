// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Persistence.Membership;

/// <summary>The stored membership, inside one write transaction: what <see cref="MembershipSteps"/> reads and
/// writes.</summary>
internal interface INodeTable
{
    /// <summary>Null before the first node ever joined.</summary>
    ClusterBeat? Beat { get; set; }

    NodeEntry? Find(NodeId node);

    /// <returns>All lives of the node of this name.</returns>
    IReadOnlyList<NodeEntry> Namesakes(string name);

    /// <summary>Adds or replaces a row.</summary>
    void Put(NodeEntry node);

    /// <returns>1 for the first life of a name, then 2, 3…: a number is never given twice.</returns>
    int NextGeneration(string name);

    /// <summary>Counts one change of who is in the cluster.</summary>
    void CountView();
}
