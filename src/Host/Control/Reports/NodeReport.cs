// SPDX-License-Identifier: Apache-2.0

using KvmActors.Host.Control.V1;

namespace KvmActors.Host.Control.Reports;

/// <summary>A node as JSON shows it.</summary>
/// <param name="LeaseMs">Left of its lease; below 0 it is over.</param>
internal sealed record NodeReport(
    string Node, string Name, string Link, uint ProcessId, string HostVendor, string State, long LeaseMs, uint Vms)
{
    public static NodeReport Of(NodeStatus node) => new(
        node.NodeId, node.Name, node.Link, node.ProcessId, node.HostVendor, node.State, node.LeaseMs, node.Vms);
}
