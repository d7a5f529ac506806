// SPDX-License-Identifier: Apache-2.0

using System.CommandLine;
using System.Text;
using KvmActors.Host.Journal;
using KvmActors.Persistence;
using KvmActors.Persistence.Journal;
using KvmActors.Persistence.Ownership;

namespace KvmActors.Host.Cli.Verbs;

/// <summary><c>journal export [VM]</c></summary>
internal static class JournalExportVerb
{
    private const int FlushAt = 1 << 15;

    private const string Remarks = """
        A JSON object a line, a record each: the VM's own stream first, then those of its vCPUs, each by sequence. The
        fields are described in docs/journal-format.md and keep their names. With "payload", the stored bytes, every
        "hash" can be computed again without the store.
        """;

    private static readonly string[] s_examples =
    [
        "kvmactors journal export demo --store out/store.db > demo.jsonl",
        "kvmactors journal export --store out/store.db | jq -c 'select(.kind == \"InputArrived\") | [.vmTime, .data]'",
    ];

    public static Command Build(CliTerminal terminal)
    {
        Argument<string?> vm = new("VM")
        {
            Description = "A VM with its vCPUs (web) or one stream (web/0) [default: all]",
            Arity = ArgumentArity.ZeroOrOne,
        };
        Option<string> store = JournalVerbs.StoreOption();
        Option<bool> json = VerbOptions.Json("each record on a line, as it does without");
        VerbCommand verb = new("export", "Print every record as a line of JSON.", Remarks, s_examples)
        {
            vm, store, json,
        };
        verb.SetAction(async (parsed, stop) =>
        {
            await using IStore open = await JournalVerbs.OpenAsync(parsed.GetRequiredValue(store), stop)
                .ConfigureAwait(false);
            StringBuilder lines = new();
            foreach (StreamRow row in await JournalVerbs.RowsAsync(open, parsed.GetValue(vm), withVcpus: true, stop)
                .ConfigureAwait(false))
            {
                await foreach (JournalRecord record in open.ReadAsync(row.Stream, 1, row.HeadSeq, stop)
                    .ConfigureAwait(false))
                {
                    lines.Append(CliJson.Line(ExportLine.Of(record))).Append('\n');
                    if (lines.Length >= FlushAt)
                    {
                        terminal.Out.Write(lines);
                        lines.Clear();
                    }
                }
            }

            terminal.Out.Write(lines);
            return 0;
        });
        return verb;
    }
}
