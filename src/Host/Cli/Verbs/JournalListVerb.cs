// SPDX-License-Identifier: Apache-2.0

using System.CommandLine;
using System.Globalization;
using KvmActors.Host.Journal;
using KvmActors.Persistence.Journal;
using KvmActors.Persistence.Ownership;
using KvmActors.Persistence.Snapshots;
using KvmActors.Persistence.Sqlite;

namespace KvmActors.Host.Cli.Verbs;

/// <summary><c>journal list</c></summary>
internal static class JournalListVerb
{
    private const string Remarks = """
        A VM has a stream of its own name ("web") and one for each vCPU ("web/0").
        """;

    private static readonly string[] s_examples =
    [
        "kvmactors journal list --store demo/store.db",
        "kvmactors journal list --store demo/store.db --json",
    ];

    public static Command Build(CliTerminal terminal)
    {
        Option<string> store = JournalVerbs.StoreOption();
        Option<bool> json = VerbOptions.Json("an array of streams");
        VerbCommand verb = new("list", "List the streams of a store.", Remarks, s_examples) { store, json };
        verb.SetAction(async (parsed, stop) =>
        {
            await using SqliteStore open = await JournalVerbs.OpenAsync(parsed.GetRequiredValue(store), stop)
                .ConfigureAwait(false);
            List<StreamReport> reports = [];
            foreach (StreamRow row in await open.ListAsync(stop).ConfigureAwait(false))
            {
                reports.Add(await ReportAsync(open, row, stop).ConfigureAwait(false));
            }

            if (parsed.GetValue(json))
            {
                CliJson.Write(terminal.Out, reports);
            }
            else
            {
                Print(reports, terminal);
            }

            return 0;
        });
        return verb;
    }

    private static async Task<StreamReport> ReportAsync(SqliteStore store, StreamRow row, CancellationToken stop)
    {
        ulong? vmTime = null;
        await foreach (JournalRecord head in store.ReadAsync(row.Stream, row.HeadSeq, row.HeadSeq, stop)
            .ConfigureAwait(false))
        {
            vmTime = head.VmTime;
        }

        IReadOnlyList<SnapshotSummary> snapshots = row.Stream.VcpuIndex < 0
            ? await store.ListSnapshotsAsync(row.Stream.Vm, stop).ConfigureAwait(false)
            : [];
        return StreamReport.Of(row, vmTime, snapshots.Count);
    }

    private static void Print(List<StreamReport> reports, CliTerminal terminal)
    {
        TextTable table = new("STREAM", "OWNER", "EPOCH", "STATE", "RECORDS", "VM TIME", "SNAPSHOTS")
        {
            RightAligned = [2, 4, 5, 6],
        };
        foreach (StreamReport report in reports)
        {
            table.Add(
                report.Stream,
                report.Owner ?? "-",
                report.Epoch.ToString(CultureInfo.InvariantCulture),
                report.State,
                report.Records.ToString(CultureInfo.InvariantCulture),
                report.VmTime?.ToString(CultureInfo.InvariantCulture) ?? "-",
                report.Snapshots.ToString(CultureInfo.InvariantCulture));
        }

        table.Write(terminal);
    }
}
