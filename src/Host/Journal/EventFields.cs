// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Cpuid;
using KvmActors.Host.Configuration;
using KvmActors.Machine;
using KvmActors.Persistence.Events;

namespace KvmActors.Host.Journal;

/// <summary>Events of the journal as fields with stable names: <c>docs/journal-format.md</c> lists them.</summary>
internal static class EventFields
{
    public static object Of(JournalEvent journalEvent) => journalEvent switch
    {
        JournalEvent.VmCreated created => new
        {
            created.Image,
            created.ImageSha256,
            created.CommandLine,
            created.InitrdSha256,
            Spec = Of(created.Spec),
            Origin = created.Origin is { } origin ? Of(origin) : null,
        },
        JournalEvent.VcpuCreated created => new { created.Index },
        JournalEvent.CpuidSet set => new { Entries = set.Table.Entries.Select(Of) },
        JournalEvent.CpuidStepped stepped => new { ReadNext = stepped.ReadNext.AsEnumerable() },
        JournalEvent.Placed placed => new
        {
            Node = placed.Node.ToString(),
            Epoch = placed.Epoch.Value,
            HostVendor = ConfigurationWords.Of(placed.HostVendor),
        },
        JournalEvent.InputArrived input => new { Bytes = Hex(input.Bytes.AsSpan()) },
        JournalEvent.LifecycleChanged changed => new
        {
            From = EventText.WordOf(changed.From),
            To = EventText.WordOf(changed.To),
            End = changed.End is { } end ? Of(end) : null,
        },
        JournalEvent.MigrationStarted started => new
        {
            Migration = started.Migration.ToString(),
            From = started.From.ToString(),
            To = started.To.ToString(),
        },
        JournalEvent.HandedOff handed => new
        {
            Migration = handed.Migration.ToString(),
            To = handed.To.ToString(),
            State = handed.State.ToString(),
            Memory = handed.Memory.ToString(),
        },
        JournalEvent.MigrationAborted aborted => new { Migration = aborted.Migration.ToString(), aborted.Reason },
        JournalEvent.Quarantined quarantined => new { quarantined.Reason },
        JournalEvent.PatchApplied { Patch: var patch } => new
        {
            Vcpu = patch.VcpuIndex,
            Linear = $"0x{patch.Gva.Value:x}",
            Physical = $"0x{patch.Gpa.Value:x}",
            Before = Hex(patch.Before.AsSpan()),
            After = Hex(patch.After.AsSpan()),
            HostVendor = ConfigurationWords.Of(patch.Vendor),
        },
        JournalEvent.Progress progress => new
        {
            Instructions = progress.InstructionsRetired,
            progress.ConsoleBytes,
            State = progress.State.ToString(),
            Memory = progress.Memory?.ToString(),
        },
        JournalEvent.SnapshotTaken taken => new
        {
            Snapshot = taken.SnapshotId,
            State = taken.State.ToString(),
            Memory = taken.Memory.ToString(),
        },
        _ => throw new ArgumentException(
            $"An event without fields: {journalEvent.GetType().Name}.", nameof(journalEvent)),
    };

    private static object Of(MachineSpec spec) => new
    {
        Vcpus = spec.VcpuCount,
        spec.MemoryBytes,
        HypercallPatch = ConfigurationWords.Of(spec.PatchPolicy),
        spec.TurnTicks,
        spec.RtcStartUnixSeconds,
        spec.RandomSeed,
        spec.CpuidDialect,
    };

    private static object Of(VmOrigin origin) => new
    {
        origin.Kind,
        Vm = origin.Vm.ToString(),
        origin.VmTime,
        Instructions = origin.InstructionsRetired,
        origin.ConsoleBytes,
        State = origin.State.ToString(),
        Memory = origin.Memory.ToString(),
        origin.FileSha256,
    };

    private static object Of(MachineEnd end) => new
    {
        Kind = end.GetType().Name,
        end.ExitCode,
        Text = end.Describe(),
    };

    private static object Of(CpuidEntry entry) => new
    {
        Leaf = $"0x{entry.Leaf:x}",
        Subleaf = $"0x{entry.Subleaf:x}",
        Flags = (uint)entry.Flags,
        Eax = $"0x{entry.Eax:x8}",
        Ebx = $"0x{entry.Ebx:x8}",
        Ecx = $"0x{entry.Ecx:x8}",
        Edx = $"0x{entry.Edx:x8}",
    };

    private static string Hex(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(bytes);
}
