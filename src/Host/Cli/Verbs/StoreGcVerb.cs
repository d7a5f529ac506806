// SPDX-License-Identifier: Apache-2.0

using System.CommandLine;
using System.Globalization;
using KvmActors.Host.Store;
using KvmActors.Persistence;
using KvmActors.Persistence.Snapshots;
using KvmActors.Persistence.Upkeep;

namespace KvmActors.Host.Cli.Verbs;

/// <summary><c>store gc</c></summary>
internal static class StoreGcVerb
{
    private const string Remarks = """
        Deletes pages that no snapshot names. Nodes may have the store open and run meanwhile: pages are deleted in
        small commits, and a snapshot that would miss one is refused and taken anew.
        Nodes drop old snapshots themselves (journal.snapshots-kept, journal.replay-max); --keep-snapshots drops more,
        of every VM, also of those that no node runs. The first snapshot of a VM always stays, so that its journal can
        be replayed.
        Replies to commands, which are kept for retries, go once they are older than a day: here, as whenever a node
        opens the store.
        --dry-run says what would be deleted now, and deletes nothing.
        The store does not get smaller: what is free in it is used by what is written next.
        """;

    private static readonly string[] s_examples =
    [
        "kvmactors store gc --store demo/store.db",
        "kvmactors store gc --store demo/store.db --keep-snapshots 2",
        "kvmactors store gc --store demo/store.db --dry-run --keep-snapshots 2",
        "kvmactors store gc --store demo/store.db --json",
    ];

    public static Command Build(CliTerminal terminal)
    {
        Option<string> store = JournalVerbs.StoreOption();
        Option<ulong?> keep = VerbOptions.Count(
            "--keep-snapshots", "Latest snapshots of each VM that stay beside its first [default: all]");
        Option<bool> dry = new("--dry-run") { Description = "Delete nothing; say what would be" };
        Option<bool> json = VerbOptions.Json("what was deleted");
        VerbCommand gc = new("gc", "Delete what no snapshot needs.", Remarks, s_examples)
        {
            store, keep, dry, json,
        };
        gc.SetAction(async (parsed, stop) =>
        {
            string path = parsed.GetRequiredValue(store);
            SnapshotRetention? retention = parsed.GetValue(keep) is { } latest ? RetentionOf(latest) : null;
            bool isDry = parsed.GetValue(dry);
            CollectionReport report = isDry
                ? await ForecastAsync(path, retention, stop).ConfigureAwait(false)
                : await CollectAsync(path, retention, stop).ConfigureAwait(false);
            if (parsed.GetValue(json))
            {
                CliJson.Write(terminal.Out, report);
            }
            else
            {
                string verb = isDry ? "Would delete" : "Deleted";
                terminal.Out.WriteLine(string.Create(
                    CultureInfo.InvariantCulture,
                    $"{verb} {CountText.Of(report.Snapshots, "snapshot")} and {CountText.Of(report.Pages, "page")} of "
                    + $"{report.PageBytes:N0} bytes."));
            }

            return 0;
        });
        return gc;
    }

    private static async Task<CollectionReport> ForecastAsync(
        string path, SnapshotRetention? retention, CancellationToken stop)
    {
        await using IStore open = await JournalVerbs.OpenAsync(path, stop).ConfigureAwait(false);
        return await open.ForecastAsync(retention, stop).ConfigureAwait(false);
    }

    private static async Task<CollectionReport> CollectAsync(
        string path, SnapshotRetention? retention, CancellationToken stop)
    {
        await using IStore open = await StoreOpening.OpenExistingAsync(path, stop).ConfigureAwait(false);
        return await open.CollectAsync(retention, stop).ConfigureAwait(false);
    }

    private static SnapshotRetention RetentionOf(ulong latest) => latest is >= 1 and <= int.MaxValue
        ? new SnapshotRetention((int)latest, Spacing: 0)
        : throw new CliFault(
            $"Expected at least 1 snapshot to keep, found {latest}: the latest is what a VM is rebuilt from.");
}
