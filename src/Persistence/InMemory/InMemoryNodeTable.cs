// SPDX-License-Identifier: Apache-2.0

using KvmActors.Persistence.Membership;

namespace KvmActors.Persistence.InMemory;

/// <summary>The membership of an <see cref="InMemoryStore"/>. Its caller holds the store's lock.</summary>
internal sealed class InMemoryNodeTable : INodeTable
{
    private readonly SortedDictionary<string, NodeEntry> _nodes = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _generations = [];

    public ClusterBeat? Beat { get; set; }

    internal ulong View { get; private set; }

    public NodeEntry? Find(NodeId node) => _nodes.GetValueOrDefault(node.Value);

    public IReadOnlyList<NodeEntry> Namesakes(string name) =>
        [.. _nodes.Values.Where(node => node.Row.Id.Name == name)];

    public void Put(NodeEntry node) => _nodes[node.Row.Id.Value] = node;

    public int NextGeneration(string name) => _generations[name] = _generations.GetValueOrDefault(name) + 1;

    public void CountView() => View++;

    internal IReadOnlyList<NodeRow> List(HashSet<NodeId> owners) =>
    [
        .. _nodes.Values.Select(node => node.Row)
            .Where(row => row.Status != NodeStatus.Dead || owners.Contains(row.Id)),
    ];
}
