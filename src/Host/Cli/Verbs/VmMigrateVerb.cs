// SPDX-License-Identifier: Apache-2.0

using System.CommandLine;
using KvmActors.Host.Control;
using KvmActors.Host.Control.Reports;
using KvmActors.Host.Control.V1;

namespace KvmActors.Host.Cli.Verbs;

/// <summary><c>vm migrate NAME --to NODE</c></summary>
internal static class VmMigrateVerb
{
    private const string Remarks = """
        The guest runs while its memory is copied, and stands still only at the end. All vCPUs of the VM move in one
        transaction: either the whole VM is on the other node or nothing has changed. Before any memory moves the other
        node is asked whether it can host the guest; if not, what is missing is named.

        --dry-run asks that alone: what the guest's CPUID promises, engine and memory. Nothing is moved or journaled.
        Exit code 0 where the VM can be moved, 1 where it cannot, with all that is missing.

        On a terminal, a line shows how far the move is; vm show does too, from anywhere. The move goes on without its
        client: it is ended with --cancel, through any node, until the other node takes the guest over. The guest then
        goes on where it is. Exit code 1 where no move is under way, or it was over.

        """ + VerbOptions.AtRemarks;

    private static readonly string[] s_examples =
    [
        "kvmactors vm migrate web --to node-2",
        "kvmactors vm migrate web --to node-2 --json",
        "kvmactors vm migrate web --to node-2 --dry-run",
        "kvmactors vm migrate web --cancel",
    ];

    public static Command Build(CliTerminal terminal)
    {
        Argument<string> name = VmVerbs.NameArgument();
        Option<string?> to = new("--to") { Description = "Name of the node to move to", HelpName = "NODE" };
        Option<bool> dry = new("--dry-run") { Description = "Only say whether it can be moved, and what is missing" };
        Option<bool> cancel = new("--cancel") { Description = "Give up the move that is under way" };
        ClusterAccess access = new();
        Option<bool> json = VerbOptions.Json("what the move was like");
        VerbCommand verb = new(
            "migrate", "Move a VM with all its vCPUs to another node while its guest runs.", Remarks, s_examples)
        {
            name, to, dry, cancel, json,
        };
        access.AddTo(verb);
        verb.Validators.Add(result =>
        {
            bool cancels = result.GetValue(cancel);
            if (cancels == result.GetValue(to) is not null || (cancels && result.GetValue(dry)))
            {
                result.AddError("Expected either --to NODE or --cancel, found both or none. Write one of them.");
            }
        });
        verb.SetAction(async (parsed, stop) =>
        {
            using ControlClient client = access.Connect(parsed);
            string vm = parsed.GetRequiredValue(name);
            bool isJson = parsed.GetValue(json);
            if (parsed.GetValue(cancel))
            {
                return await CancelAsync(client, vm, isJson, terminal, stop).ConfigureAwait(false);
            }

            string node = parsed.GetValue(to)!;
            return parsed.GetValue(dry)
                ? await CheckAsync(client, vm, node, isJson, terminal, stop).ConfigureAwait(false)
                : await MoveAsync(client, vm, node, isJson, terminal, stop).ConfigureAwait(false);
        });
        return verb;
    }

    private static async Task<int> MoveAsync(
        ControlClient client, string vm, string node, bool isJson, CliTerminal terminal, CancellationToken stop)
    {
        MigrateVmRequest request = new() { Command = client.NextCommand(), Name = vm, ToNode = node };
        Task<MigrateVmReply> moving = client.CallAsync(ControlMethods.MigrateVm, request, stop);
        await new MoveFollowing(client, terminal).FollowAsync(vm, moving, stop).ConfigureAwait(false);
        var move = MoveReport.Of((await moving.ConfigureAwait(false)).Move);
        if (isJson)
        {
            CliJson.Write(terminal.Out, move);
        }
        else
        {
            terminal.Out.WriteLine(MoveText.Of(move));
        }

        return 0;
    }

    private static async Task<int> CheckAsync(
        ControlClient client, string vm, string node, bool isJson, CliTerminal terminal, CancellationToken stop)
    {
        CheckMoveRequest check = new() { Name = vm, ToNode = node };
        CheckMoveReply answer = await client.CallAsync(ControlMethods.CheckMove, check, stop).ConfigureAwait(false);
        return Print(MoveCheckReport.Of(answer), isJson, terminal);
    }

    private static async Task<int> CancelAsync(
        ControlClient client, string vm, bool isJson, CliTerminal terminal, CancellationToken stop)
    {
        CancelMoveRequest request = new() { Command = client.NextCommand(), Name = vm };
        CancelMoveReply reply = await client.CallAsync(ControlMethods.CancelMove, request, stop)
            .ConfigureAwait(false);
        if (isJson)
        {
            CliJson.Write(terminal.Out, new { Vm = vm, Cancelled = true });
        }
        else
        {
            terminal.Out.WriteLine(reply.Text);
        }

        return 0;
    }

    private static int Print(MoveCheckReport check, bool isJson, CliTerminal terminal)
    {
        if (isJson)
        {
            CliJson.Write(terminal.Out, check);
        }
        else if (check.CanMove)
        {
            terminal.Out.WriteLine($"{check.Vm} can be moved from {check.From} to {check.To}.");
        }
        else
        {
            terminal.Out.WriteLine($"{check.Vm} cannot be moved from {check.From} to {check.To}:");
            foreach (MoveCheckReport.Obstacle why in check.Missing)
            {
                terminal.Out.WriteLine($"  Expected {why.Expected}; found {why.Found}. {why.WhatToDo}");
            }
        }

        return check.CanMove ? 0 : CliFault.Refused;
    }
}
