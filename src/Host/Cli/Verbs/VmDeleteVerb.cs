// SPDX-License-Identifier: Apache-2.0

using System.CommandLine;
using KvmActors.Host.Control;
using KvmActors.Host.Control.V1;

namespace KvmActors.Host.Cli.Verbs;

/// <summary><c>vm delete NAME</c></summary>
internal static class VmDeleteVerb
{
    private const string Remarks = """
        Removes a VM that was created, stopped or has ended, or that is quarantined: its journal, snapshots and console.
        One that runs or is paused is refused; stop it first, or say --force. Forks of it, VMs restored from its files,
        and those files need it no more, and stay. Its name is free at once. Pages that no other snapshot needs are
        deleted by the next store gc. What is deleted cannot be had back: vm save keeps a VM in a file.

        """ + VerbOptions.AtRemarks;

    private static readonly string[] s_examples =
    [
        "kvmactors vm delete what-if",
        "kvmactors vm delete web --force --json",
    ];

    public static Command Build(CliTerminal terminal)
    {
        Argument<string> name = VmVerbs.NameArgument();
        Option<bool> force = new("--force") { Description = "Also if it runs or is paused" };
        ClusterAccess access = new();
        Option<bool> json = VerbOptions.Json("the name of what was deleted");
        VerbCommand verb = new("delete", "Delete a VM with its journal and snapshots.", Remarks, s_examples)
        {
            name, force, json,
        };
        access.AddTo(verb);
        verb.SetAction(async (parsed, stop) =>
        {
            using ControlClient client = access.Connect(parsed);
            DeleteVmRequest request = new()
            {
                Command = client.NextCommand(),
                Name = parsed.GetRequiredValue(name),
                Force = parsed.GetValue(force),
            };
            await client.CallAsync(ControlMethods.DeleteVm, request, stop).ConfigureAwait(false);
            if (parsed.GetValue(json))
            {
                CliJson.Write(terminal.Out, new { Deleted = request.Name });
            }
            else
            {
                terminal.Out.WriteLine($"{request.Name} is deleted.");
            }

            return 0;
        });
        return verb;
    }
}
