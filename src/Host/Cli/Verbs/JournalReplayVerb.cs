// SPDX-License-Identifier: Apache-2.0

using System.CommandLine;
using System.Globalization;
using KvmActors.Actors.Replay;
using KvmActors.Actors.Vm;
using KvmActors.Host.Journal;
using KvmActors.Persistence;
using KvmActors.Persistence.Sqlite;

namespace KvmActors.Host.Cli.Verbs;

/// <summary><c>journal replay VM</c></summary>
internal static class JournalReplayVerb
{
    private const string Remarks = """
        The guest runs again from the snapshot at its creation. What entered from outside (placements, inputs, CPUID
        tables) comes from the journal at its VM time; what the guest did itself (patches, console, states, its end) is
        computed anew and compared with what the journal says. The first difference is named by stream and sequence.

        Exit codes: 0 every state is what the journal says; 1 one is not, or the journal is damaged.
        """;

    private static readonly string[] s_examples =
    [
        "kvmactors journal replay demo --store out/store.db",
        "kvmactors journal replay demo --store out/store.db --json",
    ];

    public static Command Build(CliTerminal terminal)
    {
        Argument<string> vm = new("VM") { Description = "The VM's name" };
        Option<string> store = JournalVerbs.StoreOption();
        Option<bool> json = VerbOptions.Json("what was compared");
        VerbCommand verb = new("replay", "Run a VM's journal again and compare every state.", Remarks, s_examples)
        {
            vm, store, json,
        };
        verb.SetAction(async (parsed, stop) =>
        {
            string name = parsed.GetRequiredValue(vm);
            await using SqliteStore open = await JournalVerbs.OpenAsync(parsed.GetRequiredValue(store), stop)
                .ConfigureAwait(false);
            await JournalVerbs.RowsAsync(open, name, withVcpus: true, stop).ConfigureAwait(false);
            ReplayReport report = await JournalReplayer.ReplayAsync(
                open, VmId.Parse(name), new MachineGuestFactory("replay"), TimeProvider.System,
                ProgressOn(terminal), stop).ConfigureAwait(false);
            Print(ReplayText.Of(name, report), parsed.GetValue(json), terminal);
            return report.IsEqual ? 0 : CliFault.Refused;
        });
        return verb;
    }

    private static Action<ReplayProgress>? ProgressOn(CliTerminal terminal) => terminal.IsErrorTerminal
        ? progress => terminal.Error.Write(string.Create(
            CultureInfo.InvariantCulture,
            $"\rreplaying: event {progress.EventsDone} of {progress.EventsAll}, VM time {progress.VmTime:N0} of "
            + $"{progress.VmTimeEnd:N0} "))
        : null;

    private static void Print(ReplayText report, bool isJson, CliTerminal terminal)
    {
        if (terminal.IsErrorTerminal)
        {
            terminal.Error.WriteLine();
        }

        if (isJson)
        {
            CliJson.Write(terminal.Out, report);
        }
        else if (report.Equal)
        {
            terminal.Out.WriteLine(report.Sentence);
        }

        if (report.Divergence is not null)
        {
            terminal.Error.WriteLine($"kvmactors: {report.Divergence}");
        }
    }
}
