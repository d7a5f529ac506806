// SPDX-License-Identifier: Apache-2.0

using System.CommandLine;
using System.Globalization;
using KvmActors.Host.Control;
using KvmActors.Host.Control.Reports;
using KvmActors.Host.Control.V1;

namespace KvmActors.Host.Cli.Verbs;

/// <summary><c>cluster status</c></summary>
internal static class ClusterVerbs
{
    private static readonly string[] s_examples =
    [
        "kvmactors cluster status",
        "kvmactors cluster status --at 127.0.0.1:5102 --json",
    ];

    public static Command Build(CliTerminal terminal)
    {
        Option<string> at = VerbOptions.At();
        Option<bool> json = VerbOptions.Json("nodes and VMs");
        VerbCommand status = new(
            "status", "Show the nodes of a cluster and what they run.", VerbOptions.AtRemarks, s_examples)
        {
            at, json,
        };
        status.SetAction(async (parsed, stop) =>
        {
            using ControlClient client = new(parsed.GetValue(at)!);
            ClusterStatusReply reply = await client.CallAsync(
                ControlMethods.ClusterStatus, new ClusterStatusRequest(), stop).ConfigureAwait(false);
            if (parsed.GetValue(json))
            {
                CliJson.Write(terminal.Out, new ClusterReport(
                    [.. reply.Nodes.Select(NodeReport.Of)], [.. reply.Vms.Select(VmReport.Of)]));
            }
            else
            {
                Print(reply, terminal);
            }

            return 0;
        });
        return new Command("cluster", "Look at a cluster.") { status };
    }

    private static void Print(ClusterStatusReply reply, CliTerminal terminal)
    {
        TextTable nodes = new("NODE", "LINK", "PROCESS", "VENDOR", "STATE", "LEASE MS", "VMS")
        {
            RightAligned = [2, 5, 6],
        };
        foreach (NodeStatus node in reply.Nodes)
        {
            nodes.Add(
                node.NodeId,
                node.Link,
                node.ProcessId.ToString(CultureInfo.InvariantCulture),
                node.HostVendor,
                node.State,
                node.LeaseMs.ToString(CultureInfo.InvariantCulture),
                node.Vms.ToString(CultureInfo.InvariantCulture));
        }

        nodes.Write(terminal);
        terminal.Out.WriteLine();
        VmTable.Write(reply.Vms, terminal);
    }

    private sealed record ClusterReport(IReadOnlyList<NodeReport> Nodes, IReadOnlyList<VmReport> Vms);
}
