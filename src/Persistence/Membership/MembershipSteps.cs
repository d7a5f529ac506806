// SPDX-License-Identifier: Apache-2.0

using System.Globalization;

namespace KvmActors.Persistence.Membership;

/// <summary>The steps of <see cref="IMembership"/>, the same over every store. Each runs inside one write
/// transaction.</summary>
internal sealed class MembershipSteps(INodeTable nodes, string bootId, long nowMs)
{
    internal RegisterResult Register(NodeRegistration node)
    {
        IReadOnlyList<NodeEntry> namesakes = nodes.Namesakes(node.Name);
        if (namesakes.FirstOrDefault(entry => LeaseRules.HoldsItsName(entry.Row, bootId, nowMs)) is { } holder)
        {
            return new RegisterResult.NameTaken(holder.Row);
        }

        foreach (NodeEntry entry in namesakes)
        {
            Bury(entry);
        }

        string life = nodes.NextGeneration(node.Name).ToString(CultureInfo.InvariantCulture);
        var id = new NodeId($"{node.Name}#{life}");
        long leaseMs = (long)node.Lease.TotalMilliseconds;
        nodes.Beat = ClusterBeat.After(nodes.Beat, bootId, nowMs, leaseMs);
        nodes.Put(new NodeEntry(
            new NodeRow(
                id,
                node.Endpoint,
                bootId,
                node.ProcessId,
                node.HostVendor,
                NodeStatus.Active,
                nowMs + leaseMs,
                node.CpuidTable),
            leaseMs));
        nodes.CountView();
        return new RegisterResult.Registered(id);
    }

    internal bool Renew(NodeId node, TimeSpan lease)
    {
        if (nodes.Find(node) is not { } entry || entry.Row.Status == NodeStatus.Dead)
        {
            return false;
        }

        long leaseMs = (long)lease.TotalMilliseconds;
        nodes.Beat = ClusterBeat.After(nodes.Beat, bootId, nowMs, leaseMs);
        nodes.Put(new NodeEntry(entry.Row with { LeaseUntilMs = nowMs + leaseMs }, leaseMs));
        return true;
    }

    internal bool Drain(NodeId node)
    {
        if (nodes.Find(node) is not { } entry || entry.Row.Status == NodeStatus.Dead)
        {
            return false;
        }

        if (entry.Row.Status != NodeStatus.Draining)
        {
            nodes.Put(entry with { Row = entry.Row with { Status = NodeStatus.Draining } });
            nodes.CountView();
        }

        return true;
    }

    internal bool DeclareDead(NodeId node, DeathEvidence evidence, TimeSpan grace)
    {
        if (nodes.Find(node) is not { } entry)
        {
            return false;
        }

        long graceMs = (long)grace.TotalMilliseconds;
        bool dead = entry.Row.Status == NodeStatus.Dead
            || LeaseRules.MayDeclareDead(entry, nodes.Beat, evidence, graceMs, bootId, nowMs);
        if (dead)
        {
            Bury(entry);
        }

        return dead;
    }

    /// <returns>False where there is no such node.</returns>
    internal bool Leave(NodeId node)
    {
        if (nodes.Find(node) is not { } entry)
        {
            return false;
        }

        Bury(entry);
        return true;
    }

    private void Bury(NodeEntry entry)
    {
        if (entry.Row.Status != NodeStatus.Dead)
        {
            nodes.Put(entry with { Row = entry.Row with { Status = NodeStatus.Dead } });
            nodes.CountView();
        }
    }
}
