// SPDX-License-Identifier: Apache-2.0

using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Cpuid.Fleet;
using KvmActors.Cpu.Cpuid.Vetting;
using KvmActors.Host.Fleet;

namespace KvmActors.Host.Cli.Verbs;

/// <summary><c>cpuid check [TABLE] --on HOST</c></summary>
internal static class CpuidCheckVerb
{
    private const string Remarks = """
        Compares the table of a guest with what a host offers, as a migration does before any memory moves. Whatever is
        missing refuses. With a record of what the guest has read (--observed, or --vcpu from a running cluster) each
        missing thing is told apart: the guest has read it, or never observed. --allow-unobserved then accepts a loss of
        what was never observed. A guest can use a feature without asking CPUID for it, so a migration never does.
        --vetted cuts the host's table to what this engine offers to guests, as a node does.

        Exit codes: 0 ok, or ok with loss; 1 refused.
        """;

    private static readonly string[] s_examples =
    [
        "kvmactors cpuid check guest.json --on new-host.txt",
        "kvmactors cpuid check guest.json --on new-host.txt --observed web-0.json --allow-unobserved",
        "kvmactors cpuid check --vcpu web/0 --at 127.0.0.1:5101 --on new-host.txt --vetted --json",
    ];

    public static Command Build(CliTerminal terminal)
    {
        Argument<string?> table = new("TABLE")
        {
            Description = $"The guest's table: {CpuidTableSource.Words} [default: that of --vcpu]",
            Arity = ArgumentArity.ZeroOrOne,
        };
        Option<string> on = new("--on")
        {
            Description = $"The host's table: {CpuidTableSource.Words}",
            HelpName = "HOST",
            Required = true,
        };
        Option<string?> observed = new("--observed")
        {
            Description = "What the guest has read, from vcpu cpuid observed --json",
            HelpName = "FILE",
        };
        Option<string?> vcpu = new("--vcpu") { Description = "A running vCPU, such as web/0", HelpName = "VM/INDEX" };
        Option<bool> allow = new("--allow-unobserved") { Description = "Accept a loss that was never observed" };
        Option<bool> vetted = new("--vetted") { Description = "Cut the host's table to what this engine offers" };
        ClusterAccess access = new();
        Option<bool> json = VerbOptions.Json("verdict and reasons");
        VerbCommand verb = new(
            "check", "Tell whether a guest with a CPUID table can run on a host.", Remarks, s_examples)
        {
            table, on, observed, vcpu, allow, vetted, json,
        };
        access.AddTo(verb);
        verb.SetAction(async (parsed, stop) =>
        {
            string hostWord = parsed.GetRequiredValue(on);
            Refuse(parsed.GetValue(table), hostWord, parsed.GetValue(vcpu), parsed.GetResult(access.At));
            CheckedGuest guest = await CheckedGuest.LoadAsync(
                parsed.GetValue(table),
                parsed.GetValue(observed),
                parsed.GetValue(vcpu),
                () => access.Connect(parsed),
                terminal.Input,
                stop).ConfigureAwait(false);
            CpuidTable host = CpuidTableSource.LoadDetails(hostWord, terminal.Input).Table;
            CpuidLossPolicy policy = parsed.GetValue(allow) ? CpuidLossPolicy.AllowUnobserved : CpuidLossPolicy.Strict;
            CpuidCheck check = Check(guest, parsed.GetValue(vetted) ? CpuidVetting.CutToEngine(host) : host, policy);
            if (parsed.GetValue(json))
            {
                CliJson.Write(terminal.Out, CheckReport.Of(guest.Word, hostWord, check, policy, guest.Record));
            }
            else
            {
                Print(guest, hostWord, check, terminal);
            }

            return check.Verdict == CpuidVerdict.Refused ? CliFault.Refused : 0;
        });
        return verb;
    }

    private static void Refuse(string? table, string host, string? vcpu, OptionResult? at)
    {
        CpuidTableSource.RefuseTwoInputs([table, host]);
        if (vcpu is null && at is { Implicit: false })
        {
            throw new CliFault(
                "Expected --vcpu beside --at, found none. Name a vCPU of that cluster with --vcpu VM/INDEX, or leave "
                + "--at out.",
                exitCode: CliFault.Usage);
        }
    }

    private static CpuidCheck Check(CheckedGuest guest, CpuidTable host, CpuidLossPolicy policy) =>
        policy == CpuidLossPolicy.AllowUnobserved && guest.Record is null
            ? throw new CliFault(
                "Expected a record of what the guest has read with --allow-unobserved, found none. "
                + "Add --observed FILE or --vcpu VM/INDEX.",
                exitCode: CliFault.Usage)
            : CpuidCheck.Of(guest.Table, host, guest.Observed, policy);

    private static void Print(CheckedGuest guest, string host, CpuidCheck check, CliTerminal terminal)
    {
        int read = check.Reasons.Count(reason => reason.IsObserved);
        string record = guest.Record is null
            ? "no record of what the guest has read"
            : $"{guest.Record} has read {FleetText.Things(read)} of it";
        string missing = $"{FleetText.Things(check.Reasons.Length)} missing; {record}";
        terminal.Out.WriteLine(check.Verdict switch
        {
            CpuidVerdict.Ok => $"ok: {host} has all that {guest.Word} promises.",
            CpuidVerdict.OkWithLoss =>
                $"ok with loss: {missing}. Create the guest again with what both offer: "
                    + guest.BaselineWith(host),
            CpuidVerdict.Refused => $"refused: {missing}.",
        });
        if (check.Reasons.IsEmpty)
        {
            return;
        }

        terminal.Out.WriteLine();
        TextTable table = new("MISSING", "WHERE", "GUEST", "HOST", "READ") { RightAligned = [2, 3] };
        foreach (CpuidCheckReason reason in check.Reasons)
        {
            string seen = reason.Observed switch
            {
                { IsOfOthers: true } => "missing, and the guest may have read it: its record is full",
                { } observed => string.Create(
                    CultureInfo.InvariantCulture,
                    $"missing and the guest has read it: {CountText.Of(observed.Reads, "time")}, first at VM "
                    + $"time {observed.FirstVmTime}"),
                null => guest.Record is null ? "" : "missing, never observed",
            };
            table.Add(
                FleetText.Name(reason.Missing),
                reason.Missing.Place,
                FleetText.Value(reason.Missing, reason.Missing.A),
                FleetText.Value(reason.Missing, reason.Missing.B),
                seen);
        }

        table.Write(terminal);
    }
}
