// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Machine;
using KvmActors.Machine.Hashing;
using KvmActors.Persistence.Events;

namespace KvmActors.Persistence.Tests.Events;

/// <summary>At least one event of every kind, with every optional part once there and once not.</summary>
internal static class EventExamples
{
    internal static StateHash State { get; } = new(string.Concat(Enumerable.Repeat("c0ffee01", 8)));

    internal static MemorySum Sum { get; } = new(new UInt128(0x0102030405060708, 0x090a0b0c0d0e0f10));

    internal static HypercallPatch Patch { get; } = new(
        VcpuIndex: 1,
        VmTime: 1_000_003,
        Gva: new Gva(0xffff_ffff_8100_2003),
        Gpa: new Gpa(0x10_2003),
        Before: [0x0f, 0x01, 0xd9],
        After: [0x0f, 0x01, 0xc1],
        Vendor: HostVendor.Intel);

    internal static CpuidTable Table { get; } = CpuidTable.Of(
    [
        new CpuidEntry(0, 0, CpuidEntryFlags.None, 0x16, 0x756e6547, 0x6c65746e, 0x49656e69),
        new CpuidEntry(0x8000_0001, 2, (CpuidEntryFlags)0x8000_0005, 1, 2, 3, 0xffff_ffff, 7, 8, 0xffff_fff9),
    ]);

    internal static IReadOnlyList<(string Name, JournalEvent Event)> All { get; } =
    [
        ("VmCreated", new JournalEvent.VmCreated(
            new MachineSpec(2, 64ul << 20, HypercallPatchPolicy.Auto, 20_000),
            "story.elf",
            new string('a', 64),
            "console=ttyS0")),
        ("VmCreated.Kvm2007", new JournalEvent.VmCreated(
            new MachineSpec(1, 64ul << 20, HypercallPatchPolicy.Auto, 20_000) { CpuidDialect = CpuidDialect.Kvm2007 },
            "old.elf",
            new string('b', 64),
            "")),
        ("VmCreated.RandomSeed", new JournalEvent.VmCreated(
            new MachineSpec(1, 64ul << 20, HypercallPatchPolicy.Auto, 20_000) { RandomSeed = 0x1234_5678_9ABC_DEF0 },
            "dice.elf",
            new string('c', 64),
            "")),
        ("VmCreated.Initrd", new JournalEvent.VmCreated(
            new MachineSpec(1, 64ul << 20, HypercallPatchPolicy.Auto, 20_000),
            "vmlinux",
            new string('d', 64),
            "vmlinux console=ttyS0")
        {
            InitrdSha256 = new string('e', 64),
        }),
        ("VmCreated.Restored", new JournalEvent.VmCreated(
            new MachineSpec(1, 64ul << 20, HypercallPatchPolicy.Auto, 20_000),
            "vmlinux",
            new string('d', 64),
            "vmlinux console=ttyS0")
        {
            Origin = new VmOrigin(VmOriginKind.File, VmId.Parse("web"), 1_234_567, 1_234_000, 42, State, Sum)
            {
                FileSha256 = new string('f', 64),
            },
        }),
        ("VcpuCreated", new JournalEvent.VcpuCreated(3)),
        ("CpuidSet", new JournalEvent.CpuidSet(Table)),
        ("Placed", new JournalEvent.Placed(new NodeId("node-1#4"), new Epoch(5), HostVendor.Amd)),
        ("InputArrived", new JournalEvent.InputArrived([0x68, 0x69, 0x0d, 0x00])),
        ("LifecycleChanged", new JournalEvent.LifecycleChanged(VmLifecycle.Created, VmLifecycle.Running, End: null)),
        ("LifecycleChanged.DebugExit", new JournalEvent.LifecycleChanged(
            VmLifecycle.Running, VmLifecycle.Ended, new MachineEnd.DebugExit(0x10))),
        ("LifecycleChanged.PoweredOff", new JournalEvent.LifecycleChanged(
            VmLifecycle.Paused, VmLifecycle.Stopped, new MachineEnd.PoweredOff())),
        ("LifecycleChanged.TripleFault", new JournalEvent.LifecycleChanged(
            VmLifecycle.Running, VmLifecycle.Ended, new MachineEnd.TripleFault(1, "#DF without an IDT"))),
        ("LifecycleChanged.EmulationFailure", new JournalEvent.LifecycleChanged(
            VmLifecycle.Running,
            VmLifecycle.Ended,
            new MachineEnd.EmulationFailure(0, new Gva(0xfff0), [0x0f, 0x0b], "no such instruction"))),
        ("MigrationStarted", new JournalEvent.MigrationStarted(
            new MigrationId("m-7"), new NodeId("node-1#4"), new NodeId("node-2#1"))),
        ("HandedOff", new JournalEvent.HandedOff(new MigrationId("m-7"), new NodeId("node-2#1"), State, Sum)),
        ("MigrationAborted", new JournalEvent.MigrationAborted(new MigrationId("m-7"), "The target is gone.")),
        ("Quarantined", new JournalEvent.Quarantined("Three activations failed.")),
        ("PatchApplied", new JournalEvent.PatchApplied(Patch)),
        ("Progress", new JournalEvent.Progress(123_456_789, 42, State, Memory: null)),
        ("Progress.Memory", new JournalEvent.Progress(ulong.MaxValue, 42, State, Sum)),
        ("CpuidStepped", new JournalEvent.CpuidStepped([1, 255])),
        ("SnapshotTaken", new JournalEvent.SnapshotTaken(9, State, Sum)),
    ];
}
