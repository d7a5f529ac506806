// SPDX-License-Identifier: Apache-2.0

using System.Globalization;
using KvmActors.Actors.Replay;
using KvmActors.Host.Cli;

namespace KvmActors.Host.Journal;

/// <summary>What <c>journal replay --json</c> prints.</summary>
/// <param name="Equal">Every patch, state and memory sum on the way was what the journal says.</param>
/// <param name="Divergence">The first difference, in a sentence; null where there is none.</param>
internal sealed record ReplayText(
    string Vm,
    bool Equal,
    string? Divergence,
    int EventsReplayed,
    int PatchesSeen,
    int StatesCompared,
    int MemorySumsCompared,
    double TookMs,
    double EventsPerSecond,
    ulong VmTime,
    ulong Instructions,
    string? End,
    int? ExitCode,
    string StateHash,
    string MemorySum,
    string ConsoleSha256)
{
    public string Sentence => string.Create(
        CultureInfo.InvariantCulture,
        $"Equal: {CountText.Of(EventsReplayed, "event")} of {Vm} replayed to VM time {VmTime:N0} in {TookMs:0} ms "
        + $"({EventsPerSecond:0} events per second); {CountText.Of(StatesCompared, "state")}, "
        + $"{CountText.Of(MemorySumsCompared, "memory sum")} and {CountText.Of(PatchesSeen, "patch", "patches")} "
        + $"compared. State {StateHash}, memory sum {MemorySum}.");

    public static ReplayText Of(string vm, ReplayReport report) => new(
        vm,
        report.IsEqual,
        report.Divergence?.Sentence,
        report.EventsReplayed,
        report.PatchesSeen,
        report.StatesCompared,
        report.SumsCompared,
        Math.Round(report.Took.TotalMilliseconds, 3),
        Math.Round(report.EventsPerSecond, 1),
        report.VmTime,
        report.InstructionsRetired,
        report.End?.Describe(),
        report.End?.ExitCode,
        report.State.ToString(),
        report.Memory.ToString(),
        report.ConsoleSha256);
}
