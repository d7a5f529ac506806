// SPDX-License-Identifier: Apache-2.0

using System.CommandLine;
using System.Globalization;
using KvmActors.Host.Store;
using KvmActors.Persistence;

namespace KvmActors.Host.Cli.Verbs;

/// <summary><c>store stat</c></summary>
internal static class StoreStatVerb
{
    private const string Remarks = """
        Bytes are as stored: pages are compressed. A page that several snapshots name, of one VM or of several, is
        stored once; "shared" is the part of all references that this saves. Reclaimable pages are those that no
        snapshot names: store gc deletes them.
        """;

    private static readonly string[] s_examples =
    [
        "kvmactors store stat --store demo/store.db",
        "kvmactors store stat --store demo/store.db --json",
    ];

    public static Command Build(CliTerminal terminal)
    {
        Option<string> store = JournalVerbs.StoreOption();
        Option<bool> json = VerbOptions.Json("the same numbers");
        VerbCommand verb = new("stat", "Say what a store holds.", Remarks, s_examples) { store, json };
        verb.SetAction(async (parsed, stop) =>
        {
            await using IStore open = await JournalVerbs.OpenAsync(parsed.GetRequiredValue(store), stop)
                .ConfigureAwait(false);
            var report = StoreStatReport.Of(await open.MeasureAsync(stop).ConfigureAwait(false));
            if (parsed.GetValue(json))
            {
                CliJson.Write(terminal.Out, report);
            }
            else
            {
                Print(report, terminal);
            }

            return 0;
        });
        return verb;
    }

    private static void Print(StoreStatReport report, CliTerminal terminal)
    {
        FieldList fields = new();
        fields.Add("file", $"{Text(report.FileBytes)} bytes, {Text(report.FreeBytes)} of them free");
        fields.Add("VMs", $"{report.Vms.Length} with {CountText.Of(report.Streams, "stream")}");
        fields.Add("records", SizeOf(report.Records));
        fields.Add("snapshots", SizeOf(report.Snapshots));
        fields.Add("pages", SizeOf(report.Pages));
        fields.Add(
            "shared",
            string.Create(
                CultureInfo.InvariantCulture,
                $"{report.SharedShare:P1} of {report.PageReferences:N0} references by snapshots"));
        fields.Add("reclaimable", SizeOf(report.Reclaimable));
        fields.Write(terminal);
        terminal.Out.WriteLine();
        TextTable kinds = new("KIND", "RECORDS", "BYTES") { RightAligned = [1, 2] };
        foreach (StoreStatReport.Kind kind in report.Kinds)
        {
            kinds.Add(kind.Name, Text(kind.Records), Text(kind.Bytes));
        }

        kinds.Write(terminal);
        terminal.Out.WriteLine();
        TextTable vms = new("VM", "STREAMS", "RECORDS", "BYTES", "SNAPSHOTS", "BYTES", "PAGES NAMED")
        {
            RightAligned = [1, 2, 3, 4, 5, 6],
        };
        foreach (StoreStatReport.Vm vm in report.Vms)
        {
            vms.Add(
                vm.Name,
                Text(vm.Streams),
                Text(vm.Records.Count),
                Text(vm.Records.Bytes),
                Text(vm.Snapshots.Count),
                Text(vm.Snapshots.Bytes),
                Text(vm.PageReferences));
        }

        vms.Write(terminal);
    }

    private static string SizeOf(StoreStatReport.Size size) => $"{Text(size.Count)} of {Text(size.Bytes)} bytes";

    private static string Text(long number) => number.ToString("N0", CultureInfo.InvariantCulture);
}
