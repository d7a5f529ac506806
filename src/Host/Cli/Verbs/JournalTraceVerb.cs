// SPDX-License-Identifier: Apache-2.0

using System.CommandLine;
using System.Globalization;
using KvmActors.Actors.Replay;
using KvmActors.Host.Debug;
using KvmActors.Host.Journal;
using KvmActors.Host.Journal.Trace;
using KvmActors.Machine;
using KvmActors.Persistence;

namespace KvmActors.Host.Cli.Verbs;

/// <summary><c>journal trace VM</c></summary>
internal static class JournalTraceVerb
{
    private const ulong LimitDefault = 1_000;

    private const string Remarks = """
        The guest runs again, step by step, in this process; the VM itself is not touched. A line a step: the moment
        before it, the vCPU, the linear address, the code's bytes, the instruction, and the general registers it
        changed. Deliveries of exceptions and interrupts, console output and journaled events have lines of their own.

        A MOMENT is start, end, a VM time (123456, 1.5M), or one with steps that cost no time (123456+1); for --to also
        ticks from --from (+1000). A REP instruction is a step an iteration.
        """;

    private static readonly string[] s_examples =
    [
        "kvmactors journal trace demo --store out/store.db --from 1.5M --to +200",
        "kvmactors journal trace demo --store out/store.db --from 1.5M --vcpu 0 --registers --limit 20 --json",
        "kvmactors journal trace demo --store out/store.db --count",
    ];

    public static Command Build(CliTerminal terminal)
    {
        Argument<string> vm = new("VM") { Description = "The VM's name" };
        Option<string> store = JournalVerbs.StoreOption();
        Option<string> from = JournalVerbs.MomentOption("--from", "First moment", "start");
        Option<string> to = JournalVerbs.MomentOption("--to", "Where it ends, before the step there", "end");
        Option<ulong?> vcpu = VerbOptions.Count("--vcpu", "Only this vCPU");
        Option<bool> count = new("--count") { Description = "Count only: by mnemonic, vCPU, interrupt and address" };
        Option<bool> registers = new("--registers")
        {
            Description = "All registers that change: also segments, control, debug, x87 and SSE",
        };
        Option<ulong?> limit = VerbOptions.Count(
            "--limit", $"Steps at most [default: {LimitDefault}; none with --count]");
        Option<bool> json = VerbOptions.Json("each line; with --count one object");
        VerbCommand verb = new("trace", "Show or count each instruction of a VM's past.", Remarks, s_examples)
        {
            vm, store, from, to, vcpu, count, registers, limit, json,
        };
        verb.SetAction(async (parsed, stop) =>
        {
            await using IStore open = await JournalVerbs.OpenAsync(parsed.GetRequiredValue(store), stop)
                .ConfigureAwait(false);
            using Timeline timeline = await TimelineWalk.OpenAsync(open, parsed.GetRequiredValue(vm), stop)
                .ConfigureAwait(false);
            bool counts = parsed.GetValue(count);
            Moment first = MomentText.Parse(
                parsed.GetValue(from)!, timeline.Start, timeline.Start, timeline.End);
            TraceRun run = new(
                first,
                Last(parsed.GetValue(to)!, timeline, first),
                Vcpu(parsed.GetValue(vcpu), timeline.Machine.Spec.VcpuCount),
                parsed.GetValue(limit) ?? (counts ? ulong.MaxValue : LimitDefault));
            return counts
                ? await CountAsync(run, timeline, parsed.GetValue(json), terminal, stop).ConfigureAwait(false)
                : await ShowAsync(
                    run, timeline, parsed.GetValue(registers), parsed.GetValue(json), terminal, stop)
                    .ConfigureAwait(false);
        });
        return verb;
    }

    private static async Task<int> ShowAsync(
        TraceRun run, Timeline timeline, bool ofAll, bool isJson, CliTerminal terminal, CancellationToken stop)
    {
        RegisterChanges changes = new(timeline, ofAll);
        ITraceSink sink = isJson
            ? new TraceJson(terminal.Out, timeline, changes)
            : new TraceText(terminal.Out, timeline, changes);
        bool isWhole = await run.RunAsync(
            timeline, () => new GuestTracer(timeline, run.To, changes.Look), sink, new VerbProgress(terminal), stop)
            .ConfigureAwait(false);
        TellLeftOut(run, isWhole, timeline, terminal);
        return 0;
    }

    private static async Task<int> CountAsync(
        TraceRun run, Timeline timeline, bool isJson, CliTerminal terminal, CancellationToken stop)
    {
        TraceCounter counter = new(timeline.Machine.Spec.VcpuCount);
        bool isWhole = await run.RunAsync(
            timeline, () => new GuestTracer(timeline, run.To), counter, new VerbProgress(terminal), stop)
            .ConfigureAwait(false);
        TraceCounts counts = counter.Counts(run.From, timeline.Now);
        if (isJson)
        {
            CliJson.Write(terminal.Out, counts);
        }
        else
        {
            counts.Write(terminal.Out);
        }

        TellLeftOut(run, isWhole, timeline, terminal);
        return 0;
    }

    private static void TellLeftOut(TraceRun run, bool isWhole, Timeline timeline, CliTerminal terminal)
    {
        if (!isWhole)
        {
            Moment until = run.To > timeline.End ? timeline.End : run.To;
            terminal.Error.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"kvmactors: Left out: what follows the first {CountText.Of(run.StepsDone, "step")}, from "
                + $"{timeline.Now} to {until}. Go on with --from {timeline.Now}, or raise --limit."));
        }
    }

    /// <summary>To the end means to the guest's own end too, which may cost nothing behind the last instruction.
    /// </summary>
    private static Moment Last(string text, Timeline timeline, Moment first)
    {
        Moment last = MomentText.Parse(text, timeline.Start, first, timeline.End);
        return last < first
            ? throw new CliFault($"Expected --to behind --from {first}, found {last}.")
            : text == "end" ? new Moment(last.VmTime + 1) : last;
    }

    private static int? Vcpu(ulong? index, int count) => index switch
    {
        null => null,
        { } known when known < (ulong)count => (int)known,
        _ => throw new CliFault($"Expected a vCPU from 0 to {count - 1}, found {index}."),
    };
}
