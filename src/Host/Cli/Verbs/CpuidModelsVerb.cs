// SPDX-License-Identifier: Apache-2.0

using System.CommandLine;
using KvmActors.Cpu.Cpuid.Formats;
using KvmActors.Cpu.Cpuid.Models;

namespace KvmActors.Host.Cli.Verbs;

/// <summary><c>cpuid models [NAME]</c></summary>
internal static class CpuidModelsVerb
{
    private const string Remarks = """
        The tables of the library, which any verb takes as model:NAME. Their values are those of real CPUs, raw, but for
        the levels of x86-64, which are the features of the psABI's levels and nothing more.
        """;

    private static readonly string[] s_examples =
    [
        "kvmactors cpuid models",
        "kvmactors cpuid models amd-milan",
        "kvmactors cpuid models x86-64-v2 --format libvirt",
    ];

    public static Command Build(CliTerminal terminal)
    {
        Argument<string?> name = new("NAME")
        {
            Description = "The model to show [default: a list of all]",
            Arity = ArgumentArity.ZeroOrOne,
        };
        Option<CpuidFormat?> format = CpuidFormatOption.Build("Form of the one table that NAME names [default: raw]");
        Option<bool> json = VerbOptions.Json("the list, or the table as --format json,");
        VerbCommand verb = new("models", "List the library of named CPUs, or show one.", Remarks, s_examples)
        {
            name, format, json,
        };
        verb.SetAction(parsed =>
        {
            bool isJson = parsed.GetValue(json);
            if (parsed.GetValue(name) is { } one)
            {
                Show(CpuidTableSource.Model(one), isJson ? CpuidFormat.Json : parsed.GetValue(format), terminal);
            }
            else
            {
                List(isJson, terminal);
            }

            return 0;
        });
        return verb;
    }

    private static void List(bool isJson, CliTerminal terminal)
    {
        if (isJson)
        {
            CliJson.Write(terminal.Out, CpuidModels.All.Select(model =>
                new { model.Name, model.Description, model.Vendor, model.Date, model.Source }));
            return;
        }

        TextTable table = new("NAME", "VENDOR", "DATE", "DESCRIPTION");
        foreach (CpuidModel model in CpuidModels.All)
        {
            table.Add(model.Name, model.Vendor, model.Date, model.Description);
        }

        table.Write(terminal);
    }

    private static void Show(CpuidModel model, CpuidFormat? format, CliTerminal terminal)
    {
        if (format is not null and not CpuidFormat.Raw)
        {
            terminal.Out.Write(CpuidFile.Write(model.Table, format.Value));
            return;
        }

        terminal.Out.Write($"# name: {model.Name}\n# description: {model.Description}\n# vendor: {model.Vendor}\n");
        terminal.Out.Write($"# source: {model.Source}\n# date: {model.Date}\n{CpuidText.Write(model.Table)}");
    }
}
