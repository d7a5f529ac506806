// SPDX-License-Identifier: Apache-2.0

using System.CommandLine;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Cpuid.Formats;

namespace KvmActors.Host.Cli.Verbs;

/// <summary><c>cpuid convert SOURCE</c></summary>
internal static class CpuidConvertVerb
{
    private const string Remarks = """
        Reads a table in any form and writes it in another. Nothing is lost on the way: what a form cannot hold is
        refused.
        What a file says beside CPUID, such as MSRs, is named on standard error and left out.
        --apply changes the table by a Firecracker template before it is written, as Firecracker does when a VM starts.
        """;

    private const string TemplateAdvice =
        "Name a file with cpuid_modifiers, as kvmactors cpuid convert TABLE --format firecracker prints it.";

    private static readonly string[] s_examples =
    [
        "kvmactors cpuid convert dump.txt --format libvirt",
        "kvmactors cpuid convert dump.txt --cpu 1 --format json --output cpu1.json",
        "kvmactors cpuid convert model:x86-64-v3 --format firecracker > template.json",
        "kvmactors cpuid convert host --apply template.json --format raw",
        "cpuid -r | kvmactors cpuid convert - --format json",
    ];

    public static Command Build(CliTerminal terminal)
    {
        Argument<string> source = CpuidVerbs.TableArgument("SOURCE");
        Option<CpuidFormat?> format = CpuidFormatOption.Build();
        Option<string?> output = new("--output")
        {
            Description = "File to write [default: standard output]",
            HelpName = "FILE",
        };
        Option<string?> apply = new("--apply")
        {
            Description = "Firecracker template that changes the table",
            HelpName = "TEMPLATE",
        };
        Option<ulong?> cpu = VerbOptions.Count("--cpu", "Which CPU of cpuid -r output [default: the first]");
        Option<bool> json = VerbOptions.Json("the table, as --format json,");
        VerbCommand verb = new("convert", "Write a CPUID table in another form.", Remarks, s_examples)
        {
            source, format, output, apply, cpu, json,
        };
        verb.SetAction(parsed =>
        {
            CpuidFileReading read = CpuidTableSource.LoadDetails(
                parsed.GetRequiredValue(source),
                terminal.Input,
                parsed.GetValue(cpu) is { } number ? (int)Math.Min(number, int.MaxValue) : null);
            foreach (string leftOut in read.LeftOut)
            {
                terminal.Error.WriteLine($"kvmactors: left out, as it is not CPUID: {leftOut}");
            }

            CpuidTable table = parsed.GetValue(apply) is { } template ? Applied(template, read.Table) : read.Table;
            CpuidFormat chosen = parsed.GetValue(json) ? CpuidFormat.Json : parsed.GetValue(format) ?? CpuidFormat.Raw;
            Write(CpuidFile.Write(table, chosen), parsed.GetValue(output), terminal);
            return 0;
        });
        return verb;
    }

    private static CpuidTable Applied(string template, CpuidTable table)
    {
        try
        {
            return CpuidFirecracker.Apply(TextFile.Read(template, "a Firecracker template", TemplateAdvice), table);
        }
        catch (CpuidFormatException fault)
        {
            throw new CliFault($"{template}: {fault.Message} {TemplateAdvice}", fault);
        }
    }

    private static void Write(string text, string? file, CliTerminal terminal)
    {
        if (file is null)
        {
            terminal.Out.Write(text);
            return;
        }

        try
        {
            File.WriteAllText(file, text);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new CliFault(
                $"Expected to write {file}, found that it cannot be written: {fault.Message} Name another file.",
                fault);
        }
    }
}
