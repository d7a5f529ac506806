// SPDX-License-Identifier: Apache-2.0

using System.CommandLine;
using KvmActors.Host.Control;
using KvmActors.Host.Control.Reports;
using KvmActors.Host.Control.V1;
using KvmActors.Host.Rpc;

namespace KvmActors.Host.Cli.Verbs;

/// <summary><c>node drain NODE</c></summary>
internal static class NodeDrainVerb
{
    private const string Remarks = """
        The node takes no VM any more, moves its VMs away while their guests run, each to the node with the most free
        guest memory that offers what its CPUID promises, and then leaves; its process ends. VMs that have ended are not
        moved: another node takes them over as soon as this one has left.

        On a terminal, a line shows how far it is. The drain goes on without its client; asked for again, it is only
        followed. It cannot be taken back: a node that is to stay is started anew.

        Exit codes: 0 the node has left; 1 what is left cannot be moved, each VM with its reason: the node goes on
        trying, until it is stopped; or the drain was refused, because no other node is there, or for a viewer.

        """ + VerbOptions.AtRemarks;

    private static readonly TimeSpan s_every = TimeSpan.FromMilliseconds(200);

    /// <summary>Longest that a node which has nothing left is waited for.</summary>
    private static readonly TimeSpan s_leavesWithin = TimeSpan.FromSeconds(30);

    public static Command Build(CliTerminal terminal)
    {
        Argument<string> node = new("NODE") { Description = "Name of the node" };
        ClusterAccess access = new();
        Option<bool> json = VerbOptions.Json("what was moved, and what could not be");
        VerbCommand verb = new(
            "drain",
            "Move away all that a node owns, and let it leave.",
            Remarks,
            ["kvmactors node drain node-2", "kvmactors node drain node-2 --at 127.0.0.1:5101 --json"])
        {
            node, json,
        };
        access.AddTo(verb);
        verb.SetAction(async (parsed, stop) =>
        {
            using ControlClient client = access.Connect(parsed);
            DrainNodeRequest request = new() { Name = parsed.GetRequiredValue(node) };
            DrainNodeReply last = await FollowAsync(client, request, terminal, stop).ConfigureAwait(false);
            bool hasLeft = last.IsDone && await WaitUntilGoneAsync(client, request, stop).ConfigureAwait(false);
            return Print(DrainReport.Of(last, hasLeft), last.IsDone, parsed.GetValue(json), terminal);
        });
        return verb;
    }

    /// <returns>When nothing is left, or nothing of what is left could be moved.</returns>
    private static async Task<DrainNodeReply> FollowAsync(
        ControlClient client, DrainNodeRequest request, CliTerminal terminal, CancellationToken stop)
    {
        DrainNodeReply last = await client.CallAsync(ControlMethods.DrainNode, request, stop).ConfigureAwait(false);
        VerbProgress progress = new(terminal);
        try
        {
            while (!last.IsDone && (last.Left == 0 || last.Problems.Count < last.Left))
            {
                progress.Show($"{last.NodeId} drains: {last.Moved} moved, {last.Left} left");
                await Task.Delay(s_every, stop).ConfigureAwait(false);
                last = await client.CallAsync(ControlMethods.DrainNode, request, stop).ConfigureAwait(false);
            }
        }
        catch (RpcException fault) when (IsGone(fault))
        {
            throw new CliFault(
                $"Expected {last.NodeId} to tell how its drain ends, found that it has ended: {last.Moved} moved, "
                + $"{last.Left} left when it was asked last. Others take over what was left; look at: vm list.",
                fault);
        }
        finally
        {
            progress.Clear();
        }

        return last;
    }

    private static async Task<bool> WaitUntilGoneAsync(
        ControlClient client, DrainNodeRequest request, CancellationToken stop)
    {
        long begun = TimeProvider.System.GetTimestamp();
        try
        {
            while (TimeProvider.System.GetElapsedTime(begun) < s_leavesWithin)
            {
                await client.CallAsync(ControlMethods.DrainNode, request, stop).ConfigureAwait(false);
                await Task.Delay(s_every, stop).ConfigureAwait(false);
            }

            return false;
        }
        catch (RpcException fault) when (IsGone(fault))
        {
            return true;
        }
    }

    /// <summary>Another node says that there is no such one; or this was the node itself.</summary>
    private static bool IsGone(RpcException fault) => fault.Status is RpcStatus.NotFound or RpcStatus.Unavailable;

    private static int Print(DrainReport drain, bool isDone, bool isJson, CliTerminal terminal)
    {
        string moved = $"{CountText.Of(drain.Moved, "VM")} moved away";
        if (isJson)
        {
            CliJson.Write(terminal.Out, drain);
        }
        else if (isDone)
        {
            terminal.Out.WriteLine($"{drain.Node} {(drain.HasLeft ? "has left" : "leaves")}; {moved}.");
        }
        else
        {
            terminal.Out.WriteLine($"{drain.Node} drains: {moved}, {drain.Left} cannot be moved now:");
            foreach (DrainReport.Stayed problem in drain.Problems)
            {
                terminal.Out.WriteLine($"  {problem.Vm}: {problem.Reason}");
            }
        }

        return isDone ? 0 : CliFault.Refused;
    }
}
