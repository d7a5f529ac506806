// SPDX-License-Identifier: Apache-2.0

using System.CommandLine;
using System.Globalization;
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

        """ + VerbOptions.AtRemarks;

    private static readonly string[] s_examples =
    [
        "kvmactors vm migrate web --to node-2",
        "kvmactors vm migrate web --to node-2 --json",
        "kvmactors vm migrate web --to node-2 --dry-run",
    ];

    public static Command Build(CliTerminal terminal)
    {
        Argument<string> name = VmVerbs.NameArgument();
        Option<string> to = new("--to")
        {
            Description = "Name of the node to move to",
            HelpName = "NODE",
            Required = true,
        };
        Option<bool> dry = new("--dry-run") { Description = "Only say whether it can be moved, and what is missing" };
        ClusterAccess access = new();
        Option<bool> json = VerbOptions.Json("what the move was like");
        VerbCommand verb = new(
            "migrate", "Move a VM with all its vCPUs to another node while its guest runs.", Remarks, s_examples)
        {
            name, to, dry, json,
        };
        access.AddTo(verb);
        verb.SetAction(async (parsed, stop) =>
        {
            using ControlClient client = access.Connect(parsed);
            if (parsed.GetValue(dry))
            {
                CheckMoveRequest check = new()
                {
                    Name = parsed.GetRequiredValue(name),
                    ToNode = parsed.GetRequiredValue(to),
                };
                CheckMoveReply answer = await client.CallAsync(ControlMethods.CheckMove, check, stop)
                    .ConfigureAwait(false);
                return Print(MoveCheckReport.Of(answer), parsed.GetValue(json), terminal);
            }

            MigrateVmRequest request = new()
            {
                Command = client.NextCommand(),
                Name = parsed.GetRequiredValue(name),
                ToNode = parsed.GetRequiredValue(to),
            };
            MigrateVmReply reply = await client.CallAsync(ControlMethods.MigrateVm, request, stop)
                .ConfigureAwait(false);
            Print(VmMoveReport.Of(reply.Move), parsed.GetValue(json), terminal);
            return 0;
        });
        return verb;
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

    private static void Print(VmMoveReport move, bool isJson, CliTerminal terminal)
    {
        if (isJson)
        {
            CliJson.Write(terminal.Out, move);
            return;
        }

        string downtime = move.DowntimeMs is { } ms
            ? string.Create(CultureInfo.InvariantCulture, $"the guest stood still for {ms:f1} ms")
            : "the guest was not running";
        terminal.Out.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{move.Vm} moved with {CountText.Of(move.Vcpus, "vCPU")} from {move.From} to {move.To} at VM time "
            + $"{move.VmTime} (epoch {move.EpochFrom} -> {move.EpochTo}): {downtime}; "
            + $"{CountText.Of(move.PagesPreCopied, "page")} before in {CountText.Of(move.Rounds, "round")}, "
            + $"{move.PagesStopped} meanwhile."));
    }
}
