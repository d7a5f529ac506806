// SPDX-License-Identifier: Apache-2.0

using System.CommandLine;
using KvmActors.Host.Journal;
using KvmActors.Persistence;
using KvmActors.Persistence.Ownership;

namespace KvmActors.Host.Cli.Verbs;

/// <summary><c>journal verify [STREAM]</c></summary>
internal static class JournalVerifyVerb
{
    private const string Remarks = """
        Every stream is read from its first record: sequences without a gap, epochs that do not fall, the hash chain
        over every column, payloads that decode, and the head in the fence row. Snapshots must decode, and each page
        must fit its digest. Damage is named by stream and sequence.

        Exit codes: 0 all is sound; 1 there is damage.
        """;

    private static readonly string[] s_examples =
    [
        "kvmactors journal verify --store demo/store.db",
        "kvmactors journal verify demo --store demo/store.db --json",
    ];

    public static Command Build(CliTerminal terminal)
    {
        Argument<string?> stream = new("STREAM")
        {
            Description = "A VM with its vCPUs (web) or one vCPU (web/0) [default: all]",
            Arity = ArgumentArity.ZeroOrOne,
        };
        Option<string> store = JournalVerbs.StoreOption();
        Option<bool> json = VerbOptions.Json("what was found");
        VerbCommand verb = new("verify", "Check that what is stored is what was written.", Remarks, s_examples)
        {
            stream, store, json,
        };
        verb.SetAction(async (parsed, stop) =>
        {
            await using IStore open = await JournalVerbs.OpenAsync(parsed.GetRequiredValue(store), stop)
                .ConfigureAwait(false);
            IReadOnlyList<StreamRow> rows = await JournalVerbs.RowsAsync(
                open, parsed.GetValue(stream), withVcpus: true, stop).ConfigureAwait(false);
            VerifyReport report = await new JournalCheck(open).RunAsync(rows, stop).ConfigureAwait(false);
            Print(report, parsed.GetValue(json), terminal);
            return report.IsSound ? 0 : CliFault.Refused;
        });
        return verb;
    }

    private static void Print(VerifyReport report, bool isJson, CliTerminal terminal)
    {
        if (isJson)
        {
            CliJson.Write(terminal.Out, report);
        }

        foreach (DamageReport damage in report.Damage)
        {
            terminal.Error.WriteLine($"kvmactors: {damage.Text}");
        }

        if (!isJson && report.IsSound)
        {
            terminal.Out.WriteLine(
                $"Sound: {CountText.Of(report.Records, "record")} of {CountText.Of(report.Streams, "stream")}, "
                + $"{CountText.Of(report.Snapshots, "snapshot")} with {CountText.Of(report.Pages, "page")}.");
        }
    }
}
