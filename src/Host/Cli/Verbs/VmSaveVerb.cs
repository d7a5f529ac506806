// SPDX-License-Identifier: Apache-2.0

using System.CommandLine;
using KvmActors.Host.Control;
using KvmActors.Host.Control.Reports;
using KvmActors.Host.Control.V1;

namespace KvmActors.Host.Cli.Verbs;

/// <summary><c>vm save NAME FILE</c></summary>
internal static class VmSaveVerb
{
    private const string Remarks = """
        The file holds the VM at one VM time and needs nothing beside it: vm restore makes a new VM of it, on this or
        another cluster, also on a node of the other vendor. A running VM runs on meanwhile. The file appears under its
        name once it is whole and was read back.

        """ + VerbOptions.AtRemarks;

    private static readonly string[] s_examples =
    [
        "kvmactors vm save web web.kvm",
        "kvmactors vm save web /backup/web.kvm --force --json",
    ];

    public static Command Build(CliTerminal terminal)
    {
        Argument<string> name = VmVerbs.NameArgument();
        Argument<string> file = new("FILE") { Description = "Where to write it" };
        Option<bool> force = new("--force") { Description = "Replace a file that is there" };
        ClusterAccess access = new();
        Option<bool> json = VerbOptions.Json("what was saved");
        VerbCommand verb = new("save", "Save a VM into a file; it runs on.", Remarks, s_examples)
        {
            name, file, force, json,
        };
        access.AddTo(verb);
        verb.SetAction(async (parsed, stop) =>
        {
            using ControlClient client = access.Connect(parsed);
            SaveVmRequest request = new() { Command = client.NextCommand(), Name = parsed.GetRequiredValue(name) };
            using SavingFile target = new(parsed.GetRequiredValue(file), parsed.GetValue(force));
            VerbProgress progress = new(terminal);
            await foreach (SaveVmChunk chunk in client.StreamAsync(ControlMethods.SaveVm, request, stop)
                .ConfigureAwait(false))
            {
                await target.WriteAsync(chunk.Data.Memory, stop).ConfigureAwait(false);
                progress.Show($"saving: page {chunk.PagesDone} of {chunk.PagesAll}");
            }

            progress.Clear();
            SavedVmReport report = await target.FinishAsync(stop).ConfigureAwait(false);
            if (parsed.GetValue(json))
            {
                CliJson.Write(terminal.Out, report);
            }
            else
            {
                terminal.Out.WriteLine(report.Sentence);
            }

            return 0;
        });
        return verb;
    }
}
