// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using System.CommandLine;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Cpuid.Fleet;
using KvmActors.Cpu.Cpuid.Formats;
using KvmActors.Host.Fleet;

namespace KvmActors.Host.Cli.Verbs;

/// <summary><c>cpuid baseline HOST…</c></summary>
internal static class CpuidBaselineVerb
{
    private const string Remarks = """
        The baseline is the richest table that every one of the hosts can offer; vendor, family, model, name, caches and
        topology are the first host's. It is printed in the form of --format.
        --explain tells instead what the pool goes without, which host costs it, and what the pool would gain if a host
        left. --what-if tells instead what a host that joins or leaves would change. With --format they tell it on
        standard error, beside the table; that of --what-if is the table after the change.
        Hosts of several vendors are refused without --cross-vendor, which tells what each vendor's hosts give up.

        Exit codes: 0 done; 1 the vendors are mixed.
        """;

    private static readonly string[] s_examples =
    [
        "kvmactors cpuid baseline a.txt b.txt c.txt",
        "kvmactors cpuid baseline a.txt b.txt c.txt --explain",
        "kvmactors cpuid baseline a.txt b.txt c.txt --what-if add d.txt",
        "kvmactors cpuid baseline a.txt b.txt c.txt --what-if remove b.txt --json",
        "kvmactors cpuid baseline intel.txt amd.txt --cross-vendor --format libvirt > baseline.xml",
    ];

    public static Command Build(CliTerminal terminal)
    {
        Argument<string[]> hosts = new("HOST")
        {
            Description = $"The tables of the hosts: {CpuidTableSource.Words}",
            Arity = ArgumentArity.OneOrMore,
        };
        Option<bool> explain = new("--explain") { Description = "Tell which host costs which feature" };
        Option<string[]> whatIf = new("--what-if")
        {
            Description = "Tell what changes: add TABLE, or remove HOST",
            HelpName = "add|remove HOST",
            Arity = new ArgumentArity(2, 2),
            AllowMultipleArgumentsPerToken = true,
        };
        Option<bool> crossVendor = new("--cross-vendor")
        {
            Description = "Accept hosts of several vendors, and the loss of what only one has",
        };
        Option<CpuidFormat?> format = CpuidFormatOption.Build();
        Option<bool> json = VerbOptions.Json("table, costs and changes");
        VerbCommand verb = new(
            "baseline", "Make the richest CPUID table that all of several hosts can offer.", Remarks, s_examples)
        {
            hosts, explain, whatIf, crossVendor, format, json,
        };
        verb.SetAction(parsed =>
        {
            Request request = new(
                [.. parsed.GetRequiredValue(hosts)],
                parsed.GetValue(explain),
                FleetWhatIf.Of(parsed.GetValue(whatIf)),
                parsed.GetValue(crossVendor) ? CpuidVendorPolicy.CrossVendor : CpuidVendorPolicy.OneVendor,
                parsed.GetValue(format),
                parsed.GetValue(json));
            Run(request, terminal);
            return 0;
        });
        return verb;
    }

    private static void Run(Request request, CliTerminal terminal)
    {
        ImmutableArray<CpuidHost> hosts = FleetHosts.Load(request.Words, terminal.Input);
        CpuidTable baseline = Make(hosts, request.Vendors);
        ImmutableArray<CpuidHost> then = request.WhatIf is { } whatIf
            ? FleetHosts.Apply(whatIf, hosts, request.Words, terminal.Input)
            : hosts;
        CpuidTable after = request.WhatIf is null ? baseline : Make(then, request.Vendors);
        CpuidPoolChange? change = request.WhatIf is null ? null : CpuidPoolChange.Of(baseline, after);
        if (request.IsJson)
        {
            var all = CpuidBaselineExplanation.Of(hosts, baseline);
            CliJson.Write(terminal.Out, BaselineReport.Of(after, all, request.WhatIf, change));
            return;
        }

        bool printsTable = request.Format is not null || (!request.Explains && request.WhatIf is null);
        CliTerminal about = printsTable ? terminal.ErrorAsOut() : terminal;
        if (request.Explains)
        {
            BaselineText.Explain(hosts, baseline, CpuidBaselineExplanation.Of(hosts, baseline), about);
        }

        if (change is not null)
        {
            BaselineText.Change(request.WhatIf!, hosts.Length, change, about);
        }

        if (then.Any(host => host.Table.Vendor != then[0].Table.Vendor))
        {
            BaselineText.GivenUp(then[0], CpuidBaselineExplanation.Of(then, after).Vendors, about);
        }

        if (printsTable)
        {
            terminal.Out.Write(CpuidFile.Write(after, request.Format ?? CpuidFormat.Raw));
        }
    }

    private static CpuidTable Make(ImmutableArray<CpuidHost> hosts, CpuidVendorPolicy vendors) =>
        CpuidBaseline.Of(hosts, vendors) switch
        {
            CpuidBaselineOutcome.Made made => made.Table,
            CpuidBaselineOutcome.Refused refused => throw new CliFault(
                $"{refused.Sentence} The option for that is --cross-vendor."),
            _ => throw new System.Diagnostics.UnreachableException("A baseline is made or refused."),
        };

    private sealed record Request(
        ImmutableArray<string> Words,
        bool Explains,
        FleetWhatIf? WhatIf,
        CpuidVendorPolicy Vendors,
        CpuidFormat? Format,
        bool IsJson);
}
