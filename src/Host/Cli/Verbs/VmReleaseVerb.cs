// SPDX-License-Identifier: Apache-2.0

using System.CommandLine;
using KvmActors.Host.Control;
using KvmActors.Host.Control.V1;

namespace KvmActors.Host.Cli.Verbs;

/// <summary><c>vm release NAME</c></summary>
internal static class VmReleaseVerb
{
    private const string Remarks = """
        Gives a VM that is quarantined back to service. A VM is quarantined where its node cannot rebuild it, or where
        the store has lost something that it had acknowledged; vm show says which. Look at its journal first: journal
        verify, journal replay. Then a node that fits claims it within a lease and rebuilds it from what the store has:
        what the store lost is gone for good, though clients were told of it. It is paused; go on with: vm resume.
        A VM that is in service stays as it is.

        """ + VerbOptions.AtRemarks;

    private static readonly string[] s_examples =
    [
        "kvmactors vm release web",
        "kvmactors vm release web --json",
    ];

    public static Command Build(CliTerminal terminal)
    {
        Argument<string> name = VmVerbs.NameArgument();
        ClusterAccess access = new();
        Option<bool> json = VerbOptions.Json("the name, and what was done");
        VerbCommand verb = new("release", "Give a quarantined VM back to service.", Remarks, s_examples)
        {
            name, json,
        };
        access.AddTo(verb);
        verb.SetAction(async (parsed, stop) =>
        {
            using ControlClient client = access.Connect(parsed);
            ReleaseVmRequest request = new() { Name = parsed.GetRequiredValue(name) };
            ReleaseVmReply reply = await client.CallAsync(ControlMethods.ReleaseVm, request, stop)
                .ConfigureAwait(false);
            if (parsed.GetValue(json))
            {
                CliJson.Write(terminal.Out, new { request.Name, reply.What });
            }
            else
            {
                terminal.Out.WriteLine(reply.What);
            }

            return 0;
        });
        return verb;
    }
}
