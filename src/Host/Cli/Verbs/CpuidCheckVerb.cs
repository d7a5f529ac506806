// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using System.CommandLine;
using System.Globalization;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Cpuid.Fleet;
using KvmActors.Cpu.Cpuid.Vetting;
using KvmActors.Host.Control;
using KvmActors.Host.Control.V1;
using KvmActors.Host.Fleet;
using CpuidEntry = KvmActors.Cpu.Cpuid.CpuidEntry;

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
        Option<string?> vcpu = new("--vcpu")
        {
            Description = "A vCPU of a running cluster, whose guest's record counts",
            HelpName = "VM/INDEX",
        };
        Option<bool> allow = new("--allow-unobserved")
        {
            Description = "Accept the loss of what the guest has never observed",
        };
        Option<bool> vetted = new("--vetted") { Description = "Cut the host's table to what this engine offers" };
        Option<string> at = VerbOptions.At();
        Option<bool> json = VerbOptions.Json("verdict and reasons");
        VerbCommand verb = new(
            "check", "Tell whether a guest with a CPUID table can run on a host.", Remarks, s_examples)
        {
            table, on, observed, vcpu, at, allow, vetted, json,
        };
        verb.SetAction(async (parsed, stop) =>
        {
            Guest guest = await LoadAsync(
                parsed.GetValue(table),
                parsed.GetValue(observed),
                parsed.GetValue(vcpu),
                parsed.GetValue(at)!,
                terminal,
                stop).ConfigureAwait(false);
            string hostWord = parsed.GetRequiredValue(on);
            CpuidTable host = CpuidTableSource.LoadDetails(hostWord, terminal.Input).Table;
            CpuidLossPolicy policy = parsed.GetValue(allow) ? CpuidLossPolicy.AllowUnobserved : CpuidLossPolicy.Strict;
            if (policy == CpuidLossPolicy.AllowUnobserved && guest.Record is null)
            {
                throw new CliFault(
                    "Expected a record of what the guest has read with --allow-unobserved, found none. "
                    + "Add --observed FILE or --vcpu VM/INDEX.",
                    exitCode: CliFault.Usage);
            }

            var check = CpuidCheck.Of(
                guest.Table,
                parsed.GetValue(vetted) ? CpuidVetting.CutToEngine(host) : host,
                guest.Observed,
                policy);
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

    private static async Task<Guest> LoadAsync(
        string? word, string? file, string? vcpu, string at, CliTerminal terminal, CancellationToken stop)
    {
        if (word is null && vcpu is null)
        {
            throw new CliFault(
                "Expected the table of a guest, found none. Name a TABLE, or a running vCPU with --vcpu VM/INDEX.",
                exitCode: CliFault.Usage);
        }

        if (file is not null && vcpu is not null)
        {
            throw new CliFault(
                "Expected one record of what the guest has read, found --observed and --vcpu. Leave one out.",
                exitCode: CliFault.Usage);
        }

        CpuidTable? table = word is null ? null : CpuidTableSource.LoadDetails(word, terminal.Input).Table;
        if (file is not null)
        {
            var record = ObservedRecord.Read(file);
            return new Guest(word!, table!, record.Vcpu, record.Observed);
        }

        if (vcpu is null)
        {
            return new Guest(word!, table!, null, []);
        }

        using ControlClient client = new(at);
        VcpuStatus status = await client.CallAsync(
            ControlMethods.ShowVcpu, new ShowVcpuRequest { Vcpu = vcpu }, stop).ConfigureAwait(false);
        return new Guest(
            word ?? vcpu,
            table ?? CpuidTable.Of(status.Cpuid.Select(entry => new CpuidEntry(
                entry.Leaf,
                entry.Subleaf,
                entry.IsIndexed ? CpuidEntryFlags.SignificantIndex : CpuidEntryFlags.None,
                entry.Eax,
                entry.Ebx,
                entry.Ecx,
                entry.Edx))),
            status.Name,
            [
                .. status.CpuidRead.Select(read =>
                    new CpuidObservation(read.Leaf, read.Subleaf, read.FirstVmTime, read.Reads)),
            ]);
    }

    private static void Print(Guest guest, string host, CpuidCheck check, CliTerminal terminal)
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
                $"ok with loss: {missing}. Give the guest what both offer: cpuid baseline {guest.Word} {host}",
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
            string seen = reason.Observed is { } observed
                ? string.Create(
                    CultureInfo.InvariantCulture,
                    $"missing and the guest has read it: {observed.Reads} times, first at {observed.FirstVmTime}")
                : guest.Record is null ? "" : "missing, never observed";
            table.Add(
                FleetText.Name(reason.Missing),
                reason.Missing.Place,
                FleetText.Value(reason.Missing, reason.Missing.A),
                FleetText.Value(reason.Missing, reason.Missing.B),
                seen);
        }

        table.Write(terminal);
    }

    /// <param name="Record">Whose record of readings it is; null if there is none.</param>
    private sealed record Guest(
        string Word, CpuidTable Table, string? Record, ImmutableArray<CpuidObservation> Observed);
}
