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

        """ + VerbOptions.AtRemarks;

    private static readonly string[] s_examples =
    [
        "kvmactors vm migrate web --to node-2",
        "kvmactors vm migrate web --to node-2 --json",
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
        Option<string> at = VerbOptions.At();
        Option<bool> json = VerbOptions.Json("what the move was like");
        VerbCommand verb = new(
            "migrate", "Move a VM with all its vCPUs to another node while its guest runs.", Remarks, s_examples)
        {
            name, to, at, json,
        };
        verb.SetAction(async (parsed, stop) =>
        {
            using ControlClient client = new(parsed.GetValue(at)!);
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
            + $"{CountText.Of(move.PagesPreCopied, "page")} before, {move.PagesStopped} meanwhile."));
    }
}
