// SPDX-License-Identifier: Apache-2.0

using System.CommandLine;
using System.Globalization;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Cpuid.Formats;
using KvmActors.Cpu.Cpuid.Names;
using KvmActors.Cpu.Cpuid.Vetting;
using KvmActors.Host.Control;
using KvmActors.Host.Control.Reports;
using KvmActors.Host.Control.V1;

namespace KvmActors.Host.Cli.Verbs;

/// <summary><c>vcpu cpuid get|set|observed VM/INDEX</c></summary>
internal static class VcpuCpuidVerbs
{
    private const string GetRemarks = """
        As KVM_GET_CPUID2 gives it: every entry with its flags and padding, and the bits that follow the vCPU's state,
        such as OSXSAVE. A running vCPU shows its state at its last Progress.
        Raw and libvirt text hold no flags but that of the subleaf, nor padding: --format json holds all.

        """;

    private const string SetRemarks = """
        As KVM_SET_CPUID2: at most 256 entries (E2BIG), 0, 48 or 57 linear address bits (EINVAL), no component of XSAVE
        that needs a permission (EPERM). Once the guest has executed an instruction, only the table it has is accepted
        (EINVAL).
        A table that promises what the VM's node lacks is refused with the bits; --cut takes out first what the engine
        does not execute, as for vm create --cpuid FILE.

        """;

    private const string ObservedRemarks = """
        Counted since the VM's creation, also over migrations and failovers; a running vCPU shows its last Progress.
        SUBLEAF is ECX, whether or not the leaf looks at it. VM time counts instructions.

        """;

    public static Command Build(CliTerminal terminal) => new("cpuid", "Get and set a vCPU's CPUID table.")
    {
        BuildGet(terminal),
        BuildSet(terminal),
        BuildObserved(terminal),
    };

    private static VerbCommand BuildGet(CliTerminal terminal)
    {
        Argument<string> vcpu = VcpuVerbs.VcpuArgument();
        Option<CpuidFormat?> format = CpuidFormatOption.Build();
        Option<string> at = VerbOptions.At();
        Option<bool> json = VerbOptions.Json("the table, as --format json,");
        VerbCommand verb = new(
            "get",
            "Write a vCPU's CPUID table.",
            GetRemarks + VerbOptions.AtRemarks,
            ["kvmactors vcpu cpuid get web/0", "kvmactors vcpu cpuid get web/0 --format json > table.json"])
        {
            vcpu, format, at, json,
        };
        verb.SetAction(async (parsed, stop) =>
        {
            VcpuStatus status = await ShowAsync(parsed.GetValue(at)!, parsed.GetRequiredValue(vcpu), stop)
                .ConfigureAwait(false);
            CpuidFormat chosen = parsed.GetValue(json) ? CpuidFormat.Json : parsed.GetValue(format) ?? CpuidFormat.Raw;
            terminal.Out.Write(Text(CpuidTable.Of(status.Cpuid.Select(CpuidMessages.From)), chosen));
            return 0;
        });
        return verb;
    }

    private static VerbCommand BuildSet(CliTerminal terminal)
    {
        Argument<string> vcpu = VcpuVerbs.VcpuArgument();
        Argument<string> source = CpuidVerbs.TableArgument("SOURCE");
        Option<bool> cut = new("--cut") { Description = "Take out first what the engine does not execute" };
        Option<string> at = VerbOptions.At();
        Option<bool> json = VerbOptions.Json("the vCPU");
        VerbCommand verb = new(
            "set",
            "Give a vCPU a CPUID table, before its guest runs.",
            SetRemarks + VerbOptions.AtRemarks,
            [
                "kvmactors vcpu cpuid set web/0 table.json",
                "kvmactors vcpu cpuid set web/0 model:x86-64-v2 --cut",
                "# kvmactors cpuid convert dump.txt --apply template.json | kvmactors vcpu cpuid set web/0 - --cut",
            ])
        {
            vcpu, source, cut, at, json,
        };
        verb.SetAction(async (parsed, stop) =>
        {
            CpuidTable given = CpuidTableSource.LoadDetails(parsed.GetRequiredValue(source), terminal.Input).Table;
            CpuidTable table = parsed.GetValue(cut) ? CpuidVetting.CutToEngine(given) : given;
            using ControlClient client = new(parsed.GetValue(at)!);
            SetVcpuCpuidRequest request = new()
            {
                Command = client.NextCommand(),
                Vcpu = parsed.GetRequiredValue(vcpu),
                Entries = { table.Entries.Select(CpuidMessages.Of) },
            };
            VcpuStatus status = await client.CallAsync(ControlMethods.SetVcpuCpuid, request, stop)
                .ConfigureAwait(false);
            if (parsed.GetValue(json))
            {
                CliJson.Write(terminal.Out, VcpuReport.Of(status));
            }
            else
            {
                terminal.Out.WriteLine(string.Create(
                    CultureInfo.InvariantCulture,
                    $"{status.Name} has a CPUID table of {status.Cpuid.Count} entries, vendor {table.Vendor}."));
            }

            return 0;
        });
        return verb;
    }

    private static VerbCommand BuildObserved(CliTerminal terminal)
    {
        Argument<string> vcpu = VcpuVerbs.VcpuArgument();
        Option<string> at = VerbOptions.At();
        Option<bool> json = VerbOptions.Json("what was read");
        VerbCommand verb = new(
            "observed",
            "Show which leaves and subleaves a guest has read, when first, and how often.",
            ObservedRemarks + VerbOptions.AtRemarks,
            ["kvmactors vcpu cpuid observed web/0", "kvmactors vcpu cpuid observed web/0 --json"])
        {
            vcpu, at, json,
        };
        verb.SetAction(async (parsed, stop) =>
        {
            VcpuStatus status = await ShowAsync(parsed.GetValue(at)!, parsed.GetRequiredValue(vcpu), stop)
                .ConfigureAwait(false);
            if (parsed.GetValue(json))
            {
                CliJson.Write(terminal.Out, ObservedReport.Of(status));
                return 0;
            }

            TextTable table = new("LEAF", "SUBLEAF", "FIRST VM TIME", "READS", "WHAT") { RightAligned = [2, 3] };
            foreach ((CpuidRead read, ObservedReport.Reading row) in
                status.CpuidRead.Zip(ObservedReport.Of(status).Observed))
            {
                table.Add(
                    row.Leaf,
                    row.Subleaf,
                    row.FirstVmTime.ToString(CultureInfo.InvariantCulture),
                    row.Reads.ToString(CultureInfo.InvariantCulture),
                    CpuidLeaves.Of(read.Leaf)?.Title ?? "");
            }

            table.Write(terminal);
            return 0;
        });
        return verb;
    }

    private static async Task<VcpuStatus> ShowAsync(string address, string vcpu, CancellationToken stop)
    {
        using ControlClient client = new(address);
        return await client.CallAsync(ControlMethods.ShowVcpu, new ShowVcpuRequest { Vcpu = vcpu }, stop)
            .ConfigureAwait(false);
    }

    private static string Text(CpuidTable table, CpuidFormat format)
    {
        try
        {
            return CpuidFile.Write(table, format);
        }
        catch (CpuidFormatException fault)
        {
            throw new CliFault($"{fault.Message} Choose --format json, which holds every table.", fault);
        }
    }
}
