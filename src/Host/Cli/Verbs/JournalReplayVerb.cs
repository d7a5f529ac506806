// SPDX-License-Identifier: Apache-2.0

using System.CommandLine;
using System.Globalization;
using KvmActors.Actors.Replay;
using KvmActors.Actors.Vm;
using KvmActors.Host.Journal;
using KvmActors.Persistence;

namespace KvmActors.Host.Cli.Verbs;

/// <summary><c>journal replay VM</c></summary>
internal static class JournalReplayVerb
{
    private const string Remarks = """
        The guest runs again from a stored snapshot, the one at its creation if no other is named. What entered from
        outside (placements, inputs, CPUID tables) comes from the journal at its VM time; what the guest did itself
        (patches, console, states, its end) is computed anew and compared with what the journal says. The first
        difference is named by stream and sequence, with the instructions in which it came about.

        --from takes a snapshot (snapshot:3, as journal list --snapshots shows them) or a moment (the latest snapshot
        until then). --to takes a moment, or an event: '#17' of the VM's stream, '#0/5' of vCPU 0's.

        Exit codes: 0 every state is what the journal says; 1 one is not, or the journal is damaged.
        """;

    private static readonly string[] s_examples =
    [
        "kvmactors journal replay demo --store out/store.db",
        "kvmactors journal replay demo --store out/store.db --from snapshot:2 --to 150M",
        "kvmactors journal replay demo --store out/store.db --to '#17' --verify --json",
    ];

    public static Command Build(CliTerminal terminal)
    {
        Argument<string> vm = new("VM") { Description = "The VM's name" };
        Option<string> store = JournalVerbs.StoreOption();
        Option<string> from = new("--from")
        {
            Description = "Snapshot to begin with; start is the first",
            HelpName = "SNAPSHOT|MOMENT",
            DefaultValueFactory = _ => "start",
        };
        Option<string> to = new("--to")
        {
            Description = "Where it ends",
            HelpName = "MOMENT|#SEQ",
            DefaultValueFactory = _ => "end",
        };
        Option<bool> verify = new("--verify")
        {
            Description = "Also restore each stored snapshot on the way, and compare it with the journal",
        };
        Option<bool> json = VerbOptions.Json("what was compared");
        VerbCommand verb = new("replay", "Run a VM's journal again and compare every state.", Remarks, s_examples)
        {
            vm, store, from, to, verify, json,
        };
        verb.SetAction(async (parsed, stop) =>
        {
            string name = parsed.GetRequiredValue(vm);
            await using IStore open = await JournalVerbs.OpenAsync(parsed.GetRequiredValue(store), stop)
                .ConfigureAwait(false);
            await JournalVerbs.RowsAsync(open, name, withVcpus: true, stop).ConfigureAwait(false);
            VmHistory history = await JournalReplayer.ReadHistoryAsync(open, VmId.Parse(name), stop)
                .ConfigureAwait(false);
            ReplayRange range = await ReplayRangeWords.ParseAsync(
                open, history, parsed.GetValue(from)!, parsed.GetValue(to)!, stop).ConfigureAwait(false);
            ReplayReport report = await JournalReplayer.ReplayAsync(
                open,
                history,
                range with { ChecksSnapshots = parsed.GetValue(verify) },
                new MachineGuestFactory("replay"),
                TimeProvider.System,
                ProgressOn(terminal),
                stop).ConfigureAwait(false);
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
            foreach (VcpuPlace place in report.Vcpus)
            {
                terminal.Out.WriteLine(place);
            }
        }

        if (report.Divergence is not null)
        {
            terminal.Error.WriteLine($"kvmactors: {report.Divergence}");
            terminal.Error.WriteLine($"kvmactors: {report.Range}");
        }
    }
}
