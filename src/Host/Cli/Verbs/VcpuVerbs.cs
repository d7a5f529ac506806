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

    private static VerbCommand BuildShow(CliTerminal terminal)
    {
        VcpuOptions options = new("the vCPU");
        VerbCommand verb = new(
            "show",
            "Show a vCPU's registers, CPUID table, and which leaves its guest has read.",
            VerbOptions.AtRemarks,
            ["kvmactors vcpu show web/0", "kvmactors vcpu show web/0 --json"])
        {
            options.Vcpu, options.Json,
        };
        options.Access.AddTo(verb);
        verb.SetAction(async (parsed, stop) =>
        {
            VcpuStatus status = await options.ShowAsync(parsed, stop).ConfigureAwait(false);
            if (parsed.GetValue(options.Json))
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
        VcpuOptions options = new("what the move was like");
        Option<string> to = new("--to")
        {
            Description = "Name of the node to move to",
            HelpName = "NODE",
            Required = true,
        };
        VerbCommand verb = new(
            "migrate",
            "Move a vCPU to another node while its guest runs.",
            "Moves the whole VM where it has one vCPU; a VM of several is refused: see vm migrate.\n\n"
                + VerbOptions.AtRemarks,
            ["kvmactors vcpu migrate web/0 --to node-2", "kvmactors vcpu migrate web/0 --to node-2 --json"])
        {
            options.Vcpu, to, options.Json,
        };
        options.Access.AddTo(verb);
        verb.SetAction(async (parsed, stop) =>
        {
            using ControlClient client = options.Connect(parsed);
            MigrateVcpuRequest request = new()
            {
                Command = client.NextCommand(),
                Vcpu = parsed.GetRequiredValue(options.Vcpu),
                ToNode = parsed.GetRequiredValue(to),
            };
            MigrateVcpuReply reply = await client.CallAsync(ControlMethods.MigrateVcpu, request, stop)
                .ConfigureAwait(false);
            var move = MoveReport.Of(reply.Move);
            if (parsed.GetValue(options.Json))
            {
                CliJson.Write(terminal.Out, move);
            }
            else
            {
                terminal.Out.WriteLine(MoveText.Of(move));
            }

            return 0;
        });
        return verb;
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
            table.Add(
                entry.Leaf,
                entry.Subleaf ?? "any",
                entry.Eax,
                entry.Ebx,
                entry.Ecx,
                entry.Edx,
                reads == 0 ? "" : CountText.Of(reads, "time"));
        }

        table.Write(terminal);
    }
}
