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
    private const string Remarks = $"""
        {VerbOptions.AtRemarks}
        The pool is what a VM may have that shall run on every active node. A node alone costs what all others offer.
        Where a VM could run is what a migration would be told: strict, whatever is missing refuses.
        """;

    private static readonly string[] s_examples =
    [
        "kvmactors cluster status",
        "kvmactors cluster status --at 127.0.0.1:5102 --json",
    ];

    public static Command Build(CliTerminal terminal)
    {
        ClusterAccess access = new();
        Option<bool> json = VerbOptions.Json("nodes, VMs and the CPUID pool");
        VerbCommand status = new(
            "status", "Show the nodes of a cluster, what they run, and where it could run.", Remarks, s_examples)
        {
            json,
        };
        access.AddTo(status);
        status.SetAction(async (parsed, stop) =>
        {
            using ControlClient client = access.Connect(parsed);
            ClusterStatusReply reply = await client.CallAsync(
                ControlMethods.ClusterStatus, new ClusterStatusRequest(), stop).ConfigureAwait(false);
            if (parsed.GetValue(json))
            {
                CliJson.Write(terminal.Out, new ClusterReport(
                    [.. reply.Nodes.Select(NodeReport.Of)],
                    [.. reply.Vms.Select(VmReport.Of)],
                    PoolJson.Of(reply.Pool)));
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
        PoolText.Write(reply.Pool, terminal);
    }

    private sealed record ClusterReport(
        IReadOnlyList<NodeReport> Nodes, IReadOnlyList<VmReport> Vms, PoolJson? Pool);
}
