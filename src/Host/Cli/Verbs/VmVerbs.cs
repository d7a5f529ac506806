// SPDX-License-Identifier: Apache-2.0

using System.CommandLine;
using System.Globalization;
using KvmActors.Host.Control;
using KvmActors.Host.Control.Reports;
using KvmActors.Host.Control.V1;
using KvmActors.Host.Rpc;

namespace KvmActors.Host.Cli.Verbs;

/// <summary><c>vm …</c></summary>
internal static class VmVerbs
{
    public static Command Build(CliTerminal terminal) => new("vm", "Create and run VMs on a cluster.")
    {
        VmCreateVerb.Build(terminal),
        BuildList(terminal),
        BuildShow(terminal),
        BuildOrder("start", "Start a VM that was created or stopped.", ControlMethods.StartVm, terminal),
        BuildOrder("pause", "Pause a running VM where it stands.", ControlMethods.PauseVm, terminal),
        BuildOrder("resume", "Let a paused VM go on.", ControlMethods.ResumeVm, terminal),
        BuildOrder("stop", "Stop a VM; it can be started again where it stood.", ControlMethods.StopVm, terminal),
        VmConsoleVerb.Build(terminal),
        VmMigrateVerb.Build(terminal),
        VmSaveVerb.Build(terminal),
        VmRestoreVerb.Build(terminal),
        VmForkVerb.Build(terminal),
        VmDeleteVerb.Build(terminal),
        VmReleaseVerb.Build(terminal),
    };

    public static Argument<string> NameArgument() => new("NAME") { Description = "The VM" };

    /// <summary>One VM, as text or JSON.</summary>
    public static void Print(VmStatus vm, bool isJson, CliTerminal terminal)
    {
        if (isJson)
        {
            CliJson.Write(terminal.Out, VmReport.Of(vm));
            return;
        }

        FieldList fields = new();
        fields.Add("VM", vm.Name);
        fields.Add("state", vm.State);
        fields.Add("node", vm.Owner.Length == 0 ? "-" : vm.Owner);
        fields.Add("moving", vm.Move is { } move ? MoveText.Of(move) : vm.MovingTo);
        fields.Add("epoch", Number(vm.Epoch));
        fields.Add("host vendor", vm.HostVendor);
        fields.Add("vCPUs", Number(vm.Vcpus));
        fields.Add("memory", $"{vm.MemoryBytes >> 10} KiB");
        fields.Add("hypercall patching", vm.HypercallPatch);
        fields.Add("image", $"{vm.Image} (SHA-256 {vm.ImageSha256})");
        fields.Add("VM time", $"{vm.VmTime}, durable up to {vm.DurableVmTime}");
        fields.Add("instructions", Number(vm.Instructions));
        fields.Add("console bytes", Number(vm.ConsoleBytes));
        fields.Add("patched sites", Number((ulong)vm.Patches.Count));
        fields.Add("recovered", vm.Recovery is { } recovery ? TextOf(recovery) : "");
        fields.Add("end", vm.End);
        fields.Add("exit code", vm.HasExitCode ? vm.ExitCode.ToString(CultureInfo.InvariantCulture) : "");
        fields.Add("problem", vm.Problem);
        fields.Write(terminal);
    }

    private static VerbCommand BuildList(CliTerminal terminal)
    {
        ClusterAccess access = new();
        Option<bool> json = VerbOptions.Json("an array of VMs");
        VerbCommand verb = new(
            "list",
            "List all VMs of the cluster.",
            VerbOptions.AtRemarks,
            ["kvmactors vm list", "kvmactors vm list --json"])
        {
            json,
        };
        access.AddTo(verb);
        verb.SetAction(async (parsed, stop) =>
        {
            using ControlClient client = access.Connect(parsed);
            ListVmsReply reply = await client.CallAsync(ControlMethods.ListVms, new ListVmsRequest(), stop)
                .ConfigureAwait(false);
            if (parsed.GetValue(json))
            {
                CliJson.Write(terminal.Out, reply.Vms.Select(VmReport.Of));
            }
            else
            {
                VmTable.Write(reply.Vms, terminal);
            }

            return 0;
        });
        return verb;
    }

    private static VerbCommand BuildShow(CliTerminal terminal)
    {
        Argument<string> name = NameArgument();
        ClusterAccess access = new();
        Option<bool> json = VerbOptions.Json("the VM with its patched hypercall sites");
        VerbCommand verb = new(
            "show",
            "Show one VM.",
            VerbOptions.AtRemarks,
            ["kvmactors vm show web", "kvmactors vm show web --json"])
        {
            name, json,
        };
        access.AddTo(verb);
        verb.SetAction(async (parsed, stop) =>
        {
            using ControlClient client = access.Connect(parsed);
            ShowVmRequest request = new() { Name = parsed.GetRequiredValue(name) };
            VmStatus vm = await client.CallAsync(ControlMethods.ShowVm, request, stop).ConfigureAwait(false);
            Print(vm, parsed.GetValue(json), terminal);
            return 0;
        });
        return verb;
    }

    private static VerbCommand BuildOrder(
        string word, string description, RpcMethod<VmCommandRequest, VmStatus> method, CliTerminal terminal)
    {
        Argument<string> name = NameArgument();
        ClusterAccess access = new();
        Option<bool> json = VerbOptions.Json("the VM as it is then");
        VerbCommand verb = new(word, description, VerbOptions.AtRemarks, [$"kvmactors vm {word} web"])
        {
            name, json,
        };
        access.AddTo(verb);
        verb.SetAction(async (parsed, stop) =>
        {
            using ControlClient client = access.Connect(parsed);
            VmCommandRequest request = new()
            {
                Command = client.NextCommand(),
                Name = parsed.GetRequiredValue(name),
            };
            VmStatus vm = await client.CallAsync(method, request, stop).ConfigureAwait(false);
            if (parsed.GetValue(json))
            {
                CliJson.Write(terminal.Out, VmReport.Of(vm));
            }
            else
            {
                terminal.Out.WriteLine($"{vm.Name} is {vm.State} on {(vm.Owner.Length == 0 ? "no node" : vm.Owner)}.");
            }

            return 0;
        });
        return verb;
    }

    private static string TextOf(Recovery recovery) => string.Create(
        CultureInfo.InvariantCulture,
        $"from {recovery.From} at VM time {recovery.VmTime}: {CountText.Of(recovery.EventsReplayed, "event")} replayed "
        + $"in {recovery.TookMs:f1} ms");

    private static string Number(ulong value) => value.ToString(CultureInfo.InvariantCulture);
}
