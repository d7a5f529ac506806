// SPDX-License-Identifier: Apache-2.0

using System.CommandLine;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Cpuid.Formats;
using KvmActors.Cpu.Cpuid.Vetting;

namespace KvmActors.Host.Cli.Verbs;

/// <summary><c>cpuid host</c></summary>
internal static class CpuidHostVerb
{
    private const string Remarks = """
        Every leaf and subleaf that the CPUID instruction answers on the CPU this process runs on. With --vetted, what a
        guest of this machine gets of it: KVM's treatment, and only what the engine executes.
        """;

    private static readonly string[] s_examples =
    [
        "kvmactors cpuid host",
        "kvmactors cpuid host --vetted --format firecracker > template.json",
        "kvmactors cpuid host --json",
    ];

    public static Command Build(CliTerminal terminal)
    {
        Option<bool> vetted = new("--vetted") { Description = "Cut down to what a guest gets" };
        Option<CpuidFormat?> format = CpuidFormatOption.Build();
        Option<bool> json = VerbOptions.Json("the table, as --format json,");
        VerbCommand verb = new("host", "Print the CPUID of this machine's CPU.", Remarks, s_examples)
        {
            vetted, format, json,
        };
        verb.SetAction(parsed =>
        {
            CpuidTable table = CpuidTableSource.Load(CpuidTableSource.Host);
            table = parsed.GetValue(vetted) ? CpuidVetting.CutToEngine(table) : table;
            CpuidFormat chosen = parsed.GetValue(json)
                ? CpuidFormat.Json
                : parsed.GetValue(format) ?? CpuidFormat.Raw;
            terminal.Out.Write(CpuidFile.Write(table, chosen));
            return 0;
        });
        return verb;
    }
}
