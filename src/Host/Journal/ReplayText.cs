// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using System.Globalization;
using KvmActors.Actors.Replay;
using KvmActors.Cpu.State;
using KvmActors.Host.Cli;
using KvmActors.Host.Debug;

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
    /// <summary>The stored snapshot that the replay began with.</summary>
    public required ulong FromSnapshot { get; init; }

    public required ulong FromVmTime { get; init; }

    /// <summary>Stored snapshots that were compared with what the journal says of them.</summary>
    public required int SnapshotsCompared { get; init; }

    /// <summary>VM time of the last state that was equal; null where none was compared.</summary>
    public required ulong? EqualUntil { get; init; }

    /// <summary>In which instructions the difference came about; null where there is none.</summary>
    public required string? Range { get; init; }

    /// <summary>Where the guest stands.</summary>
    public required ImmutableArray<VcpuPlace> Vcpus { get; init; }

    public string Sentence => string.Create(
        CultureInfo.InvariantCulture,
        $"Equal: {CountText.Of(EventsReplayed, "event")} of {Vm} replayed to VM time {VmTime:N0} in {TookMs:0} ms "
        + $"({EventsPerSecond:0} events per second); {CountText.Of(StatesCompared, "state")}, "
        + $"{CountText.Of(MemorySumsCompared, "memory sum")} and {CountText.Of(PatchesSeen, "patch", "patches")} "
        + $"compared{Snapshots}. State {StateHash}, memory sum {MemorySum}.");

    private string Snapshots => SnapshotsCompared == 0
        ? ""
        : $", {CountText.Of(SnapshotsCompared, "stored snapshot")} restored and compared";

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
        report.ConsoleSha256)
    {
        FromSnapshot = report.FromSnapshot,
        FromVmTime = report.FromVmTime,
        SnapshotsCompared = report.SnapshotsCompared,
        EqualUntil = report.EqualUntil,
        Range = report.Divergence is { } divergence ? RangeOf(report, divergence.VmTime) : null,
        Vcpus = [.. report.Vcpus.Select(VcpuPlace.Of)],
    };

    private static string RangeOf(ReplayReport report, ulong vmTime)
    {
        ulong from = report.EqualUntil ?? report.FromVmTime;
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{(report.EqualUntil is null ? "No state was compared before" : "The last equal state is at VM time")} "
            + $"{from}: the difference came about in the {vmTime - from:N0} instructions from {from} to {vmTime}. "
            + $"See: journal trace {report.Divergence!.Stream.Vm} --from {from} --to {vmTime}.");
    }
}

/// <summary>Where a vCPU stands.</summary>
/// <param name="Rip">As a linear address.</param>
internal sealed record VcpuPlace(int Vcpu, string Rip, string Mode, string Activity)
{
    public static VcpuPlace Of(VcpuState state) => new(
        state.Index,
        $"0x{GuestMode.LinearRip(state).Value:x}",
        GuestMode.Describe(state),
        GuestMode.DescribeActivity(state));

    public override string ToString() => $"vCPU {Vcpu}: RIP {Rip}, {Mode}, {Activity}";
}
