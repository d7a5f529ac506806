// SPDX-License-Identifier: Apache-2.0

using System.CommandLine;
using KvmActors.Host.Control;
using KvmActors.Host.Control.V1;

namespace KvmActors.Host.Cli.Verbs;

/// <summary><c>vm fork NAME</c></summary>
internal static class VmForkVerb
{
    private const string Remarks = """
        Makes a new VM of a moment of another's past, rebuilt from its journal: what if it had gone on otherwise? The
        other VM is not touched, wherever and however it is. The new one's VM time, console and counts go on from there,
        and so does its journal; journal diff --runs shows where the two part. A fork of VM time 0, whose guest never
        ran, may get another CPUID table with vcpu cpuid set.

        A MOMENT is start, end (of the journal), or a VM time (123456, 1.5M). Of a guest that ended, end is one
        tick before its end. Any node of the cluster can be asked; --link, or else the environment's
        """ + " " + VerbOptions.AtVariable + ", names one.";

    private static readonly string[] s_examples =
    [
        "kvmactors vm fork web --at 150M --as what-if",
        "kvmactors vm fork web --at end --as copy --node node-2 --start",
    ];

    public static Command Build(CliTerminal terminal)
    {
        Argument<string> name = VmVerbs.NameArgument();
        Option<string> moment = new("--at")
        {
            Description = "Where the new VM begins",
            HelpName = "MOMENT",
            Required = true,
        };
        Option<string> newName = new("--as") { Description = "Name of the new VM", HelpName = "NEW", Required = true };
        Option<string?> node = new("--node")
        {
            Description = "Name of the node to make it on [default: the node that is asked]",
            HelpName = "NODE",
        };
        Option<bool> start = new("--start") { Description = "Start it too" };
        ClusterAccess access = new("--link");
        Option<bool> json = VerbOptions.Json("the VM");
        VerbCommand verb = new("fork", "Make a new VM of a moment of another's past.", Remarks, s_examples)
        {
            name, moment, newName, node, start, json,
        };
        access.AddTo(verb);
        verb.SetAction(async (parsed, stop) =>
        {
            using ControlClient client = access.Connect(parsed);
            ForkVmRequest request = new()
            {
                Command = client.NextCommand(),
                Name = parsed.GetRequiredValue(name),
                Moment = parsed.GetRequiredValue(moment),
                As = parsed.GetRequiredValue(newName),
                OnNode = parsed.GetValue(node) ?? "",
            };
            VmStatus vm = await client.CallAsync(ControlMethods.ForkVm, request, stop).ConfigureAwait(false);
            if (parsed.GetValue(start))
            {
                VmCommandRequest order = new() { Command = client.NextCommand(), Name = vm.Name };
                vm = await client.CallAsync(ControlMethods.StartVm, order, stop).ConfigureAwait(false);
            }

            VmVerbs.Print(vm, parsed.GetValue(json), terminal);
            return 0;
        });
        return verb;
    }
}
