// SPDX-License-Identifier: Apache-2.0

using System.CommandLine;
using System.Globalization;
using KvmActors.Cpu.Cpuid;
using KvmActors.Host.Journal;
using KvmActors.Persistence;
using KvmActors.Persistence.Events;
using KvmActors.Persistence.Journal;
using KvmActors.Persistence.Ownership;

namespace KvmActors.Host.Cli.Verbs;

/// <summary><c>journal show STREAM</c></summary>
internal static class JournalShowVerb
{
    private const string Remarks = """
        One line a record: sequence, epoch, VM time in ticks (one tick is one instruction and one nanosecond of guest
        time), kind, and what happened. With --json one object a line, so that a long journal needs no memory.
        """;

    private static readonly string[] s_examples =
    [
        "kvmactors journal show demo --store demo/store.db",
        "kvmactors journal show demo/0 --store demo/store.db --from 10 --to 20",
        "kvmactors journal show demo --store demo/store.db --json | grep PatchApplied",
    ];

    public static Command Build(CliTerminal terminal)
    {
        Argument<string> stream = new("STREAM") { Description = "A VM (web) or a vCPU (web/0)" };
        Option<string> store = JournalVerbs.StoreOption();
        Option<ulong?> from = VerbOptions.Count("--from", "First sequence [default: 1]", "SEQ");
        Option<ulong?> to = VerbOptions.Count("--to", "Last sequence [default: the last]", "SEQ");
        Option<bool> json = VerbOptions.Json("each record");
        VerbCommand verb = new("show", "Show the records of a stream in words.", Remarks, s_examples)
        {
            stream, store, from, to, json,
        };
        verb.SetAction(async (parsed, stop) =>
        {
            await using IStore open = await JournalVerbs.OpenAsync(parsed.GetRequiredValue(store), stop)
                .ConfigureAwait(false);
            IReadOnlyList<StreamRow> rows = await JournalVerbs.RowsAsync(
                open, parsed.GetRequiredValue(stream), withVcpus: false, stop).ConfigureAwait(false);
            ulong last = Math.Min(parsed.GetValue(to) ?? ulong.MaxValue, rows[0].HeadSeq);
            CpuidTable? cpuid = null;
            ulong first = parsed.GetValue(from) ?? 1;
            await foreach (JournalRecord record in open.ReadAsync(rows[0].Stream, first, last, stop)
                .ConfigureAwait(false))
            {
                bool setsCpuid = record.Kind == EventKind.CpuidSet;
                cpuid = setsCpuid && cpuid is null
                    ? await CpuidBeforeAsync(open, record, first, stop).ConfigureAwait(false)
                    : cpuid;
                Print(RecordReport.Of(record, cpuid), parsed.GetValue(json), terminal);
                cpuid = setsCpuid ? ((JournalEvent.CpuidSet)EventCodec.Decode(record)).Table : cpuid;
            }

            return 0;
        });
        return verb;
    }

    /// <summary>The table that the vCPU had before the first record that is shown.</summary>
    private static async Task<CpuidTable?> CpuidBeforeAsync(
        IStore store, JournalRecord record, ulong first, CancellationToken stop)
    {
        CpuidTable? before = null;
        if (first <= 1)
        {
            return before;
        }

        await foreach (JournalRecord earlier in store.ReadAsync(record.Stream, 1, first - 1, stop)
            .ConfigureAwait(false))
        {
            before = earlier.Kind == EventKind.CpuidSet
                ? ((JournalEvent.CpuidSet)EventCodec.Decode(earlier)).Table
                : before;
        }

        return before;
    }

    private static void Print(RecordReport report, bool isJson, CliTerminal terminal)
    {
        if (isJson)
        {
            CliJson.WriteLine(terminal.Out, report);
            return;
        }

        terminal.Out.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{report.Seq,6}  e{report.Epoch,-3} {report.VmTime,13}  {report.Kind,-16}  {report.Event}"));
    }
}
