// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using System.CommandLine;
using System.Globalization;
using KvmActors.Actors.Replay;
using KvmActors.Host.Debug;
using KvmActors.Host.Journal;
using KvmActors.Host.Journal.Diff;
using KvmActors.Host.Journal.Trace;
using KvmActors.Machine;
using KvmActors.Persistence;

namespace KvmActors.Host.Cli.Verbs;

/// <summary><c>journal diff A B</c></summary>
internal static class JournalDiffVerb
{
    private const int LimitDefault = 32;

    private const string Remarks = """
        A and B are VMs at moments, VM@MOMENT (start, end, a VM time): registers, CPUID entries, devices and memory
        that differ. Without a moment it is the end of the journal.

        With --runs they are two lives: two runs of one VM, or a VM and its fork. Said first is which event from outside
        is not the same; then the first step after which registers or memory differ, which is found by going through
        both in strides and halving the first that differs.

        Exit codes: 0 equal; 1 not equal, or an error.
        """;

    private static readonly string[] s_examples =
    [
        "kvmactors journal diff web@100M web@100M+1 --store out/store.db",
        "kvmactors journal diff web what-if --runs --store out/store.db",
        "kvmactors journal diff web web --runs --store monday.db --store-b tuesday.db --json",
    ];

    public static Command Build(CliTerminal terminal)
    {
        Argument<string> first = new("A") { Description = "VM or VM@MOMENT" };
        Argument<string> second = new("B") { Description = "VM or VM@MOMENT" };
        Option<string> store = JournalVerbs.StoreOption();
        Option<string?> storeB = new("--store-b")
        {
            Description = "The store of B [default: that of A]",
            HelpName = "FILE",
        };
        Option<bool> runs = new("--runs") { Description = "Find the first step that makes two lives differ" };
        Option<ulong?> limit = VerbOptions.Count("--limit", $"Lines of each kind [default: {LimitDefault}]");
        Option<bool> json = VerbOptions.Json("what differs");
        VerbCommand verb = new("diff", "Compare two moments, or find where two lives part.", Remarks, s_examples)
        {
            first, second, store, storeB, runs, limit, json,
        };
        verb.SetAction(async (parsed, stop) =>
        {
            string path = parsed.GetRequiredValue(store);
            await using IStore one = await JournalVerbs.OpenAsync(path, stop).ConfigureAwait(false);
            await using IStore other = await JournalVerbs.OpenAsync(parsed.GetValue(storeB) ?? path, stop)
                .ConfigureAwait(false);
            (string vmA, string? momentA) = Split(parsed.GetRequiredValue(first));
            (string vmB, string? momentB) = Split(parsed.GetRequiredValue(second));
            using Timeline a = await TimelineWalk.OpenAsync(one, vmA, stop).ConfigureAwait(false);
            using Timeline b = await TimelineWalk.OpenAsync(other, vmB, stop).ConfigureAwait(false);
            VerbProgress progress = new(terminal);
            int shownMax = (int)Math.Min(parsed.GetValue(limit) ?? LimitDefault, int.MaxValue);
            if (parsed.GetValue(runs))
            {
                RefuseMoments(momentA ?? momentB);
                RunReport report = await CompareAsync(a, b, progress, stop).ConfigureAwait(false);
                return Print(report, report.Equal, () => report.Write(terminal.Out, shownMax));
            }

            await GoToAsync(a, momentA, progress, stop).ConfigureAwait(false);
            await GoToAsync(b, momentB, progress, stop).ConfigureAwait(false);
            var moments = MomentReport.Of(a, b);
            return Print(moments, moments.Equal, () => moments.Write(terminal.Out, shownMax));

            int Print<T>(T report, bool isEqual, Action write)
            {
                if (parsed.GetValue(json))
                {
                    CliJson.Write(terminal.Out, report);
                }
                else
                {
                    write();
                }

                return isEqual ? 0 : CliFault.Refused;
            }
        });
        return verb;
    }

    private static void RefuseMoments(string? moment)
    {
        if (moment is not null)
        {
            throw new CliFault($"Expected VMs without moments with --runs, found @{moment}.");
        }
    }

    private static async Task<RunReport> CompareAsync(
        Timeline a, Timeline b, VerbProgress progress, CancellationToken stop)
    {
        RunComparison comparison = Comparison(a, b);
        (ReplayEvent? First, ReplayEvent? Second)? input = comparison.FirstInput();
        ulong? equal = await comparison.FindAsync(
            vmTime => progress.Show(string.Create(CultureInfo.InvariantCulture, $"comparing at VM time {vmTime:N0} ")),
            stop).ConfigureAwait(false);
        progress.Clear();
        RegisterChanges changesA = new(a, ofAll: true);
        RegisterChanges changesB = new(b, ofAll: true);
        await TimelineWalk.GoToAsync(a, new Moment(comparison.From), progress, stop).ConfigureAwait(false);
        await TimelineWalk.GoToAsync(b, new Moment(comparison.From), progress, stop).ConfigureAwait(false);
        ImmutableArray<FieldDifference> start = StateDiff.Fields(a.Machine.Save(), b.Machine.Save());
        bool differsAtStart = !comparison.AreEqual();
        (GuestTracer? first, GuestTracer? second) = equal is { } vmTime && !differsAtStart
            ? await comparison.StepAsync(
                vmTime, (timeline, vcpu) => (ReferenceEquals(timeline, a) ? changesA : changesB).Look(vcpu), stop)
                .ConfigureAwait(false)
            : (null, null);
        (string nameA, string nameB) = Names(a, b);
        return new RunReport(
            nameA,
            nameB,
            comparison.From,
            comparison.Until,
            equal is null && input is null && start.IsEmpty,
            differsAtStart,
            start,
            input is { } entered ? InputDifference.Of(entered.First, entered.Second) : null,
            equal,
            first is null ? null : StepReport.Of(first, changesA),
            second is null ? null : StepReport.Of(second, changesB));
    }

    private static RunComparison Comparison(Timeline a, Timeline b)
    {
        try
        {
            return new RunComparison(a, b);
        }
        catch (ArgumentException incomparable)
        {
            throw new CliFault(incomparable.Message, incomparable);
        }
    }

    private static (string First, string Second) Names(Timeline a, Timeline b)
    {
        (string first, string second) = (a.History.Vm.ToString(), b.History.Vm.ToString());
        return first == second ? ($"{first} (A)", $"{second} (B)") : (first, second);
    }

    private static Task GoToAsync(Timeline timeline, string? moment, VerbProgress progress, CancellationToken stop) =>
        TimelineWalk.GoToAsync(
            timeline,
            MomentText.Parse(moment ?? "end", timeline.Start, timeline.Start, timeline.End),
            progress,
            stop);

    private static (string Vm, string? Moment) Split(string text) =>
        text.Split('@', 2) is [string vm, string moment] ? (vm, moment) : (text, null);
}
