// SPDX-License-Identifier: Apache-2.0

using System.CommandLine;
using System.Globalization;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Cpuid.Formats;
using KvmActors.Cpu.Cpuid.Names;
using KvmActors.Host.Configuration;
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
        Raw, json and libvirt hold flags and padding; firecracker is refused for a table with padding, or with two
        entries for one leaf and subleaf.

        """;

    private const string SetRemarks = """
        As KVM_SET_CPUID2: at most 256 entries (E2BIG), 0, 48 or 57 linear address bits (EINVAL), no component of XSAVE
        that needs a permission (EPERM). Once the guest has executed an instruction, only the table it has is accepted
        (EINVAL).
        A table that promises what the VM's node lacks is refused with the bits.
        --cut first makes of SOURCE what vm create --cpuid SOURCE would: features that the engine executes and no
        others, one logical processor in one core, KVM's hypervisor leaves, address widths of at most the engine's, in
        the VM's dialect. It knows nothing of the node: what the node lacks is refused all the same.

        """;

    private const string ObservedRemarks = """
        Counted since the VM's creation, also over migrations and failovers; a running vCPU shows its last Progress.
        SUBLEAF is ECX, and 0 for a leaf without subleaves. VM time counts instructions. What is behind 4096 rows is one
        row with leaf and subleaf 0xffffffff.

        """;

    public static Command Build(CliTerminal terminal) => new("cpuid", "Get and set a vCPU's CPUID table.")
    {
        BuildGet(terminal),
        BuildSet(terminal),
        BuildObserved(terminal),
    };

    private static VerbCommand BuildGet(CliTerminal terminal)
    {
        VcpuOptions options = new("the table, as --format json,");
        Option<CpuidFormat?> format = CpuidFormatOption.Build();
        VerbCommand verb = new(
            "get",
            "Write a vCPU's CPUID table.",
            GetRemarks + VerbOptions.AtRemarks,
            ["kvmactors vcpu cpuid get web/0", "kvmactors vcpu cpuid get web/0 --format json > table.json"])
        {
            options.Vcpu, format, options.Json,
        };
        options.Access.AddTo(verb);
        verb.SetAction(async (parsed, stop) =>
        {
            VcpuStatus status = await options.ShowAsync(parsed, stop).ConfigureAwait(false);
            CpuidFormat chosen = parsed.GetValue(options.Json)
                ? CpuidFormat.Json
                : parsed.GetValue(format) ?? CpuidFormat.Raw;
            terminal.Out.Write(Text(VcpuCpuid.Of(status).Table, chosen));
            return 0;
        });
        return verb;
    }

    private static VerbCommand BuildSet(CliTerminal terminal)
    {
        VcpuOptions options = new("the vCPU");
        Argument<string> source = CpuidVerbs.TableArgument("SOURCE");
        Option<bool> cut = new("--cut")
        {
            Description = "Cut SOURCE down first to what vm create --cpuid would give this VM of it",
        };
        VerbCommand verb = new(
            "set",
            "Give a vCPU a CPUID table, before its guest runs.",
            SetRemarks + VerbOptions.AtRemarks,
            [
                "kvmactors vcpu cpuid set web/0 table.json",
                "kvmactors vcpu cpuid set web/0 model:x86-64-v2 --cut",
                "kvmactors cpuid convert dump.txt --apply template.json | kvmactors vcpu cpuid set web/0 - --cut",
            ])
        {
            options.Vcpu, source, cut, options.Json,
        };
        options.Access.AddTo(verb);
        verb.SetAction(async (parsed, stop) =>
        {
            CpuidTable given = CpuidTableSource.LoadDetails(parsed.GetRequiredValue(source), terminal.Input).Table;
            using ControlClient client = options.Connect(parsed);
            CpuidTable table = parsed.GetValue(cut)
                ? Cut(given, await options.ShowAsync(client, parsed, stop).ConfigureAwait(false))
                : given;
            SetVcpuCpuidRequest request = new()
            {
                Command = client.NextCommand(),
                Vcpu = parsed.GetRequiredValue(options.Vcpu),
                Entries = { table.Entries.Select(CpuidMessages.Of) },
            };
            VcpuStatus status = await client.CallAsync(ControlMethods.SetVcpuCpuid, request, stop)
                .ConfigureAwait(false);
            if (parsed.GetValue(options.Json))
            {
                CliJson.Write(terminal.Out, VcpuReport.Of(status));
            }
            else
            {
                string vendor = table.Vendor.Length == 0 ? "no vendor" : $"vendor {table.Vendor}";
                terminal.Out.WriteLine(
                    $"{status.Name} has a CPUID table of {CountText.Of(status.Cpuid.Count, "entry", "entries")}, "
                    + $"{vendor}.");
            }

            return 0;
        });
        return verb;
    }

    private static VerbCommand BuildObserved(CliTerminal terminal)
    {
        VcpuOptions options = new("what was read");
        VerbCommand verb = new(
            "observed",
            "Show which leaves and subleaves a guest has read, when first, and how often.",
            ObservedRemarks + VerbOptions.AtRemarks,
            ["kvmactors vcpu cpuid observed web/0", "kvmactors vcpu cpuid observed web/0 --json"])
        {
            options.Vcpu, options.Json,
        };
        options.Access.AddTo(verb);
        verb.SetAction(async (parsed, stop) =>
        {
            VcpuStatus status = await options.ShowAsync(parsed, stop).ConfigureAwait(false);
            if (parsed.GetValue(options.Json))
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
                    (read.Leaf, read.Subleaf) == CpuidObservation.Others
                        ? "all that the record has no room for"
                        : CpuidLeaves.Of(read.Leaf)?.Title ?? "");
            }

            table.Write(terminal);
            return 0;
        });
        return verb;
    }

    /// <summary>By the dialect of the vCPU's VM, as when a VM is created.</summary>
    private static CpuidTable Cut(CpuidTable given, VcpuStatus status) => CpuidSource.Cut(
        given,
        status.CpuidDialect == ConfigurationWords.Of(CpuidDialect.Kvm2007) ? CpuidDialect.Kvm2007 : CpuidDialect.Kvm);

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
