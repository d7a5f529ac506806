// SPDX-License-Identifier: Apache-2.0

using System.Diagnostics;
using System.Globalization;
using System.Text;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Host.Cli;
using KvmActors.Host.Configuration;
using KvmActors.Host.Cpuid;
using KvmActors.Machine;
using KvmActors.Persistence.Events;

namespace KvmActors.Host.Journal;

/// <summary>Events of the journal in words.</summary>
internal static class EventText
{
    private const int InputShownMax = 60;

    /// <param name="cpuid">The vCPU's CPUID table until then; null if it had none, or if it does not matter.</param>
    public static string Describe(JournalEvent journalEvent, CpuidTable? cpuid = null) => journalEvent switch
    {
        JournalEvent.VmCreated created => Describe(created),
        JournalEvent.VcpuCreated created => $"vCPU {created.Index} was created.",
        JournalEvent.CpuidSet set => CpuidSetText.Describe(set.Table, cpuid),
        JournalEvent.CpuidStepped stepped =>
            $"CPUID leaves that answer in turn were read; next are the entries {string.Join(", ", stepped.ReadNext)}.",
        JournalEvent.Placed placed => $"Runs on {placed.Node} under epoch {placed.Epoch}, where "
            + $"{PatchReport.InstructionOf(placed.HostVendor)} is native ({ConfigurationWords.Of(placed.HostVendor)}).",
        JournalEvent.InputArrived input => Describe(input),
        JournalEvent.LifecycleChanged changed => Describe(changed),
        JournalEvent.MigrationStarted started =>
            $"Migration {started.Migration} from {started.From} to {started.To} began.",
        JournalEvent.HandedOff handed =>
            $"Migration {handed.Migration} handed it over to {handed.To}; state {handed.State}, "
            + $"memory {handed.Memory}.",
        JournalEvent.MigrationAborted aborted => $"Migration {aborted.Migration} was given up: {aborted.Reason}",
        JournalEvent.Quarantined quarantined => $"Taken out of service: {quarantined.Reason}",
        JournalEvent.PatchApplied applied => Describe(applied.Patch),
        JournalEvent.Progress progress => Describe(progress),
        JournalEvent.SnapshotTaken taken =>
            $"Snapshot {taken.SnapshotId} was taken; state {taken.State}, memory {taken.Memory}.",
        _ => throw new UnreachableException($"An event without words: {journalEvent.GetType().Name}."),
    };

    private static string Describe(JournalEvent.VmCreated created)
    {
        MachineSpec spec = created.Spec;
        string initrd = created.InitrdSha256.Length == 0
            ? ""
            : $", initial RAM disk (SHA-256 {created.InitrdSha256})";
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{OriginOf(created)} from {created.Image} (SHA-256 {created.ImageSha256}): {spec.VcpuCount} vCPU, "
            + $"{spec.MemoryBytes >> 10} KiB of memory, hypercall patching {ConfigurationWords.Of(spec.PatchPolicy)}, "
            + $"command line \"{created.CommandLine}\"{initrd}.");
    }

    private static string OriginOf(JournalEvent.VmCreated created) => created.Origin switch
    {
        null => "Created",
        { Kind: VmOriginKind.File } file => string.Create(
            CultureInfo.InvariantCulture,
            $"Restored at VM time {file.VmTime} from a file of {file.Vm} (SHA-256 {file.FileSha256}), once created"),
        { } fork => string.Create(
            CultureInfo.InvariantCulture, $"Forked from {fork.Vm} at VM time {fork.VmTime}, once created"),
    };

    private static string Describe(JournalEvent.InputArrived input)
    {
        string shown = Shown(input.Bytes.AsSpan()[..Math.Min(input.Bytes.Length, InputShownMax)]);
        string more = input.Bytes.Length > InputShownMax ? "…" : "";
        return $"Console input of {CountText.Of(input.Bytes.Length, "byte")}: \"{shown}{more}\".";
    }

    /// <summary>Bytes as text; what is not printable is escaped.</summary>
    public static string Shown(ReadOnlySpan<byte> bytes) => string.Concat(
        Encoding.Latin1.GetString(bytes).Select(c => c is >= ' ' and <= '~' and not '\\' ? $"{c}" : $"\\x{(int)c:x2}"));

    private static string Describe(JournalEvent.LifecycleChanged changed)
    {
        string step = $"Went from {WordOf(changed.From)} to {WordOf(changed.To)}.";
        return changed.End is null ? step : $"{step} {changed.End.Describe()}";
    }

    private static string Describe(HypercallPatch patch) =>
        $"{InstructionAt(patch)} at {patch.Gva} ({patch.Gpa}) was patched: "
        + $"{Convert.ToHexStringLower(patch.Before.AsSpan())} -> {Convert.ToHexStringLower(patch.After.AsSpan())}, "
        + $"native on {ConfigurationWords.Of(patch.Vendor)}.";

    private static string InstructionAt(HypercallPatch patch) => PatchReport.InstructionOf(patch.Vendor switch
    {
        HostVendor.Intel => HostVendor.Amd,
        HostVendor.Amd => HostVendor.Intel,
    });

    private static string Describe(JournalEvent.Progress progress)
    {
        string memory = progress.Memory is { } sum ? $", memory {sum}" : "";
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{CountText.Of(progress.InstructionsRetired, "instruction")} and "
            + $"{CountText.Of(progress.ConsoleBytes, "console byte")} so far; "
            + $"state {progress.State}{memory}.");
    }

    public static string WordOf(VmLifecycle lifecycle) => lifecycle switch
    {
        VmLifecycle.Created => "created",
        VmLifecycle.Running => "running",
        VmLifecycle.Paused => "paused",
        VmLifecycle.Stopped => "stopped",
        VmLifecycle.Ended => "ended",
        VmLifecycle.Quarantined => "quarantined",
    };
}
