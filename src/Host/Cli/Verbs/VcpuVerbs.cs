// SPDX-License-Identifier: Apache-2.0

using System.CommandLine;
using System.Globalization;
using KvmActors.Host.Control;
using KvmActors.Host.Control.Reports;
using KvmActors.Host.Control.V1;

namespace KvmActors.Host.Cli.Verbs;

/// <summary><c>vcpu …</c></summary>
internal static class VcpuVerbs
{
    private const int RegistersPerLine = 4;

    public static Command Build(CliTerminal terminal) => new("vcpu", "Look at vCPUs, and move them.")
    {
        BuildShow(terminal),
        BuildMigrate(terminal),
        VcpuCpuidVerbs.Build(terminal),
    };

    internal static Argument<string> VcpuArgument() => new("VM/INDEX") { Description = "The vCPU, such as web/0" };

    private static VerbCommand BuildShow(CliTerminal terminal)
    {
        Argument<string> vcpu = VcpuArgument();
        Option<string> at = VerbOptions.At();
        Option<bool> json = VerbOptions.Json("the vCPU");
        VerbCommand verb = new(
            "show",
            "Show a vCPU's registers, CPUID table, and which leaves its guest has read.",
            VerbOptions.AtRemarks,
            ["kvmactors vcpu show web/0", "kvmactors vcpu show web/0 --json"])
        {
            vcpu, at, json,
        };
        verb.SetAction(async (parsed, stop) =>
        {
            using ControlClient client = new(parsed.GetValue(at)!);
            ShowVcpuRequest request = new() { Vcpu = parsed.GetRequiredValue(vcpu) };
            VcpuStatus status = await client.CallAsync(ControlMethods.ShowVcpu, request, stop).ConfigureAwait(false);
            if (parsed.GetValue(json))
            {
                CliJson.Write(terminal.Out, VcpuReport.Of(status));
            }
            else
            {
                Print(VcpuReport.Of(status), terminal);
            }

            return 0;
        });
        return verb;
    }

    private static VerbCommand BuildMigrate(CliTerminal terminal)
    {
        Argument<string> vcpu = VcpuArgument();
        Option<string> to = new("--to")
        {
            Description = "Name of the node to move to",
            HelpName = "NODE",
            Required = true,
        };
        Option<string> at = VerbOptions.At();
        Option<bool> json = VerbOptions.Json("what the move was like");
        VerbCommand verb = new(
            "migrate",
            "Move a vCPU to another node while its guest runs.",
            "Moves the whole VM where it has one vCPU; a VM of several is refused.\n\n" + VerbOptions.AtRemarks,
            ["kvmactors vcpu migrate web/0 --to node-2", "kvmactors vcpu migrate web/0 --to node-2 --json"])
        {
            vcpu, to, at, json,
        };
        verb.SetAction(async (parsed, stop) =>
        {
            using ControlClient client = new(parsed.GetValue(at)!);
            MigrateVcpuRequest request = new()
            {
                Command = client.NextCommand(),
                Vcpu = parsed.GetRequiredValue(vcpu),
                ToNode = parsed.GetRequiredValue(to),
            };
            var move = MoveReport.Of(await client.CallAsync(ControlMethods.MigrateVcpu, request, stop)
                .ConfigureAwait(false));
            if (parsed.GetValue(json))
            {
                CliJson.Write(terminal.Out, move);
            }
            else
            {
                terminal.Out.WriteLine(Describe(move));
            }

            return 0;
        });
        return verb;
    }

    private static string Describe(MoveReport move)
    {
        string downtime = move.DowntimeMs is { } ms
            ? string.Create(CultureInfo.InvariantCulture, $"the guest stood still for {ms:f1} ms")
            : "the guest was not running";
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{move.Vcpu} moved from {move.From} to {move.To} at VM time {move.VmTime} (epoch {move.EpochFrom} -> "
            + $"{move.EpochTo}): {downtime}; {move.PagesPreCopied} pages before, {move.PagesStopped} meanwhile.");
    }

    private static void Print(VcpuReport vcpu, CliTerminal terminal)
    {
        FieldList fields = new();
        fields.Add("vCPU", vcpu.Name);
        fields.Add("node", vcpu.Owner ?? "-");
        fields.Add("epoch", vcpu.Epoch.ToString(CultureInfo.InvariantCulture));
        fields.Add("host vendor", vcpu.HostVendor);
        fields.Add("VM time", vcpu.VmTime.ToString(CultureInfo.InvariantCulture));
        fields.Add("activity", vcpu.Activity);
        fields.Add("instructions", vcpu.Instructions.ToString(CultureInfo.InvariantCulture));
        fields.Write(terminal);
        terminal.Out.WriteLine();
        foreach (KeyValuePair<string, string>[] line in vcpu.Registers.Chunk(RegistersPerLine))
        {
            terminal.Out.WriteLine(string.Join("  ", line.Select(register => $"{register.Key,-9} {register.Value}")));
        }

        terminal.Out.WriteLine();
        TextTable table = new("LEAF", "SUBLEAF", "EAX", "EBX", "ECX", "EDX", "READ");
        foreach (VcpuReport.CpuidWords entry in vcpu.Cpuid)
        {
            ulong reads = vcpu.CpuidRead
                .Where(read => read.Leaf == entry.Leaf && (entry.Subleaf is null || read.Subleaf == entry.Subleaf))
                .Aggregate(0UL, (sum, read) => sum + read.Reads);
            string times = reads == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $"{reads} times");
            table.Add(entry.Leaf, entry.Subleaf ?? "any", entry.Eax, entry.Ebx, entry.Ecx, entry.Edx, times);
        }

        table.Write(terminal);
    }
}
