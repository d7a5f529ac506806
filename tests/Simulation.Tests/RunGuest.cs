// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Vm;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Machine;
using KvmActors.Samples.Guests;
using KvmActors.TestKit.Guests;

namespace KvmActors.Simulation.Tests;

/// <summary>Which guest the VMs of a <see cref="ClusterRun"/> run, on a processor so slow that its life takes some
/// seconds of virtual time: as long as leases and takeovers do.</summary>
internal sealed record RunGuest(
    string Name,
    IGuestFactory Guests,
    byte[] Image,
    ulong MemoryBytes,
    CpuidTable Cpuid,
    double TickNanoseconds,
    ulong SliceTicks,
    ulong SnapshotTicks,
    MachineEnd End)
{
    /// <summary>Most VMs of a run.</summary>
    public int MaxVms { get; init; } = 2;

    /// <summary>vCPUs of each VM.</summary>
    public int Vcpus { get; init; } = 1;

    /// <summary>A model that costs next to nothing: a thousand runs are wanted, and no instruction set.</summary>
    public static RunGuest Model { get; } = new(
        "model",
        new ModelGuestFactory(),
        new ModelProgram(
            EndAt: 60_000_000,
            PrintEvery: 1_700_000,
            WriteEvery: 90_000,
            CallEvery: 2_300_000,
            ReadEvery: 500_000).ToImage(),
        MemoryBytes: 32 * 4096,
        CpuidTable.Empty,
        TickNanoseconds: 100,
        SliceTicks: 100_000,
        SnapshotTicks: 20_000_000,
        new MachineEnd.DebugExit(ModelGuest.ExitValue));

    /// <summary>The same with three vCPUs: such a VM moves as a whole.</summary>
    public static RunGuest ModelOfThree { get; } = Model with { Vcpus = 3 };

    /// <summary>The demo's guest, some four million instructions of it, on the real machine.</summary>
    public static RunGuest Story { get; } = new(
        "story",
        new MachineGuestFactory("simulation"),
        StoryGuest.Build(HostVendor.Intel, StoryGuestSize.Short),
        StoryGuest.MemoryBytesMin,
        StoryCpuid(),
        TickNanoseconds: 1500,
        SliceTicks: 6_000,
        SnapshotTicks: 1_000_000,
        new MachineEnd.DebugExit(0));

    /// <summary>An Intel-like processor with a hypervisor below it, and what a 64-bit guest asks for; written here, so
    /// that the host has no say in the run.</summary>
    private static CpuidTable StoryCpuid() => CpuidTable.Of(
        [
            Entry(0, 1, 0x756E_6547, 0x6C65_746E, 0x4965_6E69),
            Entry(1, 0x0009_06EA, 0x0000_0800, 0x8000_0001, 0x0780_8921),
            Entry(0x4000_0000, 0x4000_0001, 0x4B4D_564B, 0x564B_4D56, 0x0000_004D),
            Entry(0x4000_0001, 0, 0, 0, 0),
            Entry(0x8000_0000, 0x8000_0001, 0, 0, 0),
            Entry(0x8000_0001, 0, 0, 1, 0x2010_0800),
        ]);

    private static CpuidEntry Entry(uint leaf, uint eax, uint ebx, uint ecx, uint edx) =>
        new(leaf, 0, CpuidEntryFlags.None, eax, ebx, ecx, edx, 0, 0, 0);
}
