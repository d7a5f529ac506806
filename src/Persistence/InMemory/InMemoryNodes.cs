// SPDX-License-Identifier: Apache-2.0

using System.Globalization;
using KvmActors.Persistence.Membership;

namespace KvmActors.Persistence.InMemory;

/// <summary>The membership of an <see cref="InMemoryStore"/>. Its caller holds the store's lock.</summary>
internal sealed class InMemoryNodes
{
    private readonly Dictionary<NodeId, NodeEntry> _nodes = [];
    private readonly Dictionary<string, int> _generations = [];
    private ClusterBeat? _beat;

    internal NodeRow? Find(NodeId node) => _nodes.GetValueOrDefault(node)?.Row;

    internal RegisterResult Register(NodeRegistration node, string bootId, long nowMs)
    {
        NodeRow[] namesakes = [.. _nodes.Values.Select(entry => entry.Row).Where(row => row.Id.Name == node.Name)];
        if (Array.Find(namesakes, row => LeaseRules.HoldsItsName(row, bootId, nowMs)) is { } holder)
        {
            return new RegisterResult.NameTaken(holder);
        }

        foreach (NodeRow row in namesakes)
        {
            SetStatus(row.Id, NodeStatus.Dead);
        }

        int generation = _generations.GetValueOrDefault(node.Name) + 1;
        _generations[node.Name] = generation;
        var id = new NodeId(string.Create(CultureInfo.InvariantCulture, $"{node.Name}#{generation}"));
        long leaseMs = (long)node.Lease.TotalMilliseconds;
        _beat = ClusterBeat.After(_beat, bootId, nowMs, leaseMs);
        _nodes[id] = new NodeEntry(
            new NodeRow(
                id,
                node.Endpoint,
                bootId,
                node.ProcessId,
                node.HostVendor,
                NodeStatus.Active,
                nowMs + leaseMs,
                node.CpuidTable),
            leaseMs);
        return new RegisterResult.Registered(id);
    }

    internal bool Renew(NodeId node, TimeSpan lease, string bootId, long nowMs)
    {
        if (!_nodes.TryGetValue(node, out NodeEntry? entry) || entry.Row.Status == NodeStatus.Dead)
        {
            return false;
        }

        long leaseMs = (long)lease.TotalMilliseconds;
        _beat = ClusterBeat.After(_beat, bootId, nowMs, leaseMs);
        _nodes[node] = new NodeEntry(entry.Row with { LeaseUntilMs = nowMs + leaseMs }, leaseMs);
        return true;
    }

    internal bool Drain(NodeId node)
    {
        bool alive = _nodes.TryGetValue(node, out NodeEntry? entry) && entry.Row.Status != NodeStatus.Dead;
        if (alive)
        {
            SetStatus(node, NodeStatus.Draining);
        }

        return alive;
    }

    internal bool DeclareDead(NodeId node, DeathEvidence evidence, TimeSpan grace, string bootId, long nowMs)
    {
        if (!_nodes.TryGetValue(node, out NodeEntry? entry))
        {
            return false;
        }

        bool dead = entry.Row.Status == NodeStatus.Dead
            || LeaseRules.MayDeclareDead(entry, _beat, evidence, (long)grace.TotalMilliseconds, bootId, nowMs);
        if (dead)
        {
            SetStatus(node, NodeStatus.Dead);
        }

        return dead;
    }

    internal void Leave(NodeId node)
    {
        if (_nodes.ContainsKey(node))
        {
            SetStatus(node, NodeStatus.Dead);
        }
    }

    internal IReadOnlyList<NodeRow> List(HashSet<NodeId> owners) =>
    [
        .. _nodes.Values
            .Select(entry => entry.Row)
            .Where(row => row.Status != NodeStatus.Dead || owners.Contains(row.Id))
            .OrderBy(row => row.Id.Value, StringComparer.Ordinal),
    ];

    private void SetStatus(NodeId node, NodeStatus status) =>
        _nodes[node] = _nodes[node] with { Row = _nodes[node].Row with { Status = status } };
}
