// SPDX-License-Identifier: Apache-2.0

using System.CommandLine;
using System.Globalization;
using KvmActors.Host.Journal;
using KvmActors.Persistence;
using KvmActors.Persistence.Journal;
using KvmActors.Persistence.Ownership;
using KvmActors.Persistence.Snapshots;

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
        "kvmactors journal list --store demo/store.db --snapshots",
    ];

    public static Command Build(CliTerminal terminal)
    {
        Option<string> store = JournalVerbs.StoreOption();
        Option<bool> json = VerbOptions.Json("an array of streams");
        Option<bool> snapshots = new("--snapshots") { Description = "List the stored snapshots of each VM instead" };
        VerbCommand verb = new("list", "List the streams of a store.", Remarks, s_examples) { store, snapshots, json };
        verb.SetAction(async (parsed, stop) =>
        {
            await using IStore open = await JournalVerbs.OpenAsync(parsed.GetRequiredValue(store), stop)
                .ConfigureAwait(false);
            if (parsed.GetValue(snapshots))
            {
                await ListSnapshotsAsync(open, parsed.GetValue(json), terminal, stop).ConfigureAwait(false);
                return 0;
            }

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

    private static async Task ListSnapshotsAsync(
        IStore store, bool isJson, CliTerminal terminal, CancellationToken stop)
    {
        List<SnapshotReport> reports = [];
        foreach (StreamRow row in (await store.ListAsync(stop).ConfigureAwait(false))
            .Where(row => row.Stream.VcpuIndex < 0))
        {
            foreach (SnapshotSummary summary in await store.ListSnapshotsAsync(row.Stream.Vm, stop)
                .ConfigureAwait(false))
            {
                SnapshotRecord? record = await store.FindByIdAsync(row.Stream.Vm, summary.Id, stop)
                    .ConfigureAwait(false);
                reports.Add(new SnapshotReport(
                    row.Stream.Vm.ToString(), summary.Id, summary.VmTime, record?.Epoch.Value, record?.Pages.Length));
            }
        }

        if (isJson)
        {
            CliJson.Write(terminal.Out, reports);
            return;
        }

        TextTable table = new("VM", "SNAPSHOT", "VM TIME", "EPOCH", "PAGES") { RightAligned = [2, 3, 4] };
        foreach (SnapshotReport report in reports)
        {
            table.Add(
                report.Vm,
                $"snapshot:{report.Snapshot}",
                report.VmTime.ToString(CultureInfo.InvariantCulture),
                report.Epoch?.ToString(CultureInfo.InvariantCulture) ?? "-",
                report.Pages?.ToString(CultureInfo.InvariantCulture) ?? "-");
        }

        table.Write(terminal);
    }

    private static async Task<StreamReport> ReportAsync(IStore store, StreamRow row, CancellationToken stop)
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
