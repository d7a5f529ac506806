// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using System.CommandLine;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Cpuid.Fleet;

namespace KvmActors.Host.Cli.Verbs;

/// <summary><c>cpuid lint TABLE</c></summary>
internal static class CpuidLintVerb
{
    private const string Remarks = """
        KVM takes nearly every table as it comes. This looks at what KVM does not: features that need others, leaves
        beyond the highest, XSAVE components against features and against each other, address widths, duplicate
        entries, bits of another maker, hypervisor leaves, and bits that follow the vCPU's state anyway.

        An error is something that no processor says, or that KVM refuses; a warning may mislead software; a note is
        good to know. Exit codes: 0 no error; 1 there is an error.
        """;

    private static readonly string[] s_examples =
    [
        "kvmactors cpuid lint model:x86-64-v3",
        "kvmactors cpuid lint template.json --json",
        "kvmactors cpuid host --vetted --json | kvmactors cpuid lint -",
    ];

    public static Command Build(CliTerminal terminal)
    {
        Argument<string> source = CpuidVerbs.TableArgument("TABLE");
        Option<bool> json = VerbOptions.Json("the findings");
        VerbCommand verb = new("lint", "Check that a table agrees with itself.", Remarks, s_examples)
        {
            source, json,
        };
        verb.SetAction(parsed =>
        {
            CpuidTable table = CpuidTableSource.LoadDetails(parsed.GetRequiredValue(source), terminal.Input).Table;
            ImmutableArray<CpuidFinding> findings = CpuidLint.Of(table);
            if (parsed.GetValue(json))
            {
                CliJson.Write(terminal.Out, Report(findings));
            }
            else
            {
                Print(findings, terminal);
            }

            return findings.Any(finding => finding.Severity == CpuidSeverity.Error) ? CliFault.Refused : 0;
        });
        return verb;
    }

    private static object Report(ImmutableArray<CpuidFinding> findings) => new
    {
        Errors = findings.Count(finding => finding.Severity == CpuidSeverity.Error),
        Warnings = findings.Count(finding => finding.Severity == CpuidSeverity.Warning),
        Notes = findings.Count(finding => finding.Severity == CpuidSeverity.Note),
        Findings = findings.Select(finding => new
        {
            finding.Rule,
            finding.Severity,
            Leaf = $"0x{finding.Leaf:x8}",
            finding.Subleaf,
            Register = finding.Register,
            finding.Bit,
            finding.Sentence,
        }),
    };

    private static void Print(ImmutableArray<CpuidFinding> findings, CliTerminal terminal)
    {
        foreach (CpuidFinding finding in findings)
        {
            string severity = finding.Severity.ToString().ToLowerInvariant();
            terminal.Out.WriteLine($"{severity,-7}  {Place(finding),-22}  {finding.Rule}: {finding.Sentence}");
        }

        string Count(CpuidSeverity severity, string one) =>
            CountText.Of(findings.Count(finding => finding.Severity == severity), one);

        terminal.Out.WriteLine(
            $"{Count(CpuidSeverity.Error, "error")}, {Count(CpuidSeverity.Warning, "warning")}, "
            + $"{Count(CpuidSeverity.Note, "note")}.");
    }

    private static string Place(CpuidFinding finding)
    {
        string subleaf = CpuidEnumeration.HasSubleaves(finding.Leaf) ? $".{finding.Subleaf}" : "";
        string register = finding.Register is { } named ? $" {named.ToString().ToLowerInvariant()}" : "";
        string bit = finding.Bit is { } number ? $"[{number}]" : "";
        return $"0x{finding.Leaf:x}{subleaf}{register}{bit}";
    }
}
