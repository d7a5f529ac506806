// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Cpu;
using KvmActors.Cpu.Apic;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Cpu.State;

namespace KvmActors.Machine.Tests.Hashing;

/// <summary>A state with something in every field, so that a change of any field can be seen.</summary>
internal static class SampleState
{
    public static MachineState Machine { get; } = new(
        VmTime: 123_456,
        HostVendor: HostVendor.Amd,
        Turn: 0,
        Runner: 0,
        TurnTicksLeft: 17,
        ConsoleBytes: 99,
        End: new MachineEnd.EmulationFailure(0, new Gva(0x10_0000), [0x0F, 0xFF], "no such instruction"),
        Vcpus: [Vcpu],
        Platform: SamplePlatform.State,
        PatchSites:
        [
            new HypercallPatch(
                0, 55, new Gva(0x20_0001), new Gpa(0x20_0001), [0x0F, 0x01, 0xC1], [0x0F, 0x01, 0xD9], HostVendor.Amd),
        ]);

    private static VcpuState Vcpu => new(
        Index: 0,
        Gprs: Numbers(16, 1000),
        Rip: 0x10_1000,
        RFlags: 0x202,
        Segments: [.. Enumerable.Range(0, 8).Select(i => new SegmentState((ushort)(i * 8), (ulong)i, 0xFFFF, 0x93))],
        Gdtr: new DescriptorTableState(0x1000, 0x27),
        Idtr: new DescriptorTableState(0x2000, 0xFFF),
        Cr0: 0x8000_0011,
        Cr2: 0x1234,
        Cr3: 0x3000,
        Cr4: 0x20,
        Cr8: 1,
        Efer: 0x500,
        Xcr0: 1,
        Msrs: [new MsrValue(0x10, 5)],
        DebugRegisters: Numbers(6, 2000),
        FxSave: [.. Enumerable.Range(0, 512).Select(i => (byte)i)],
        Activity: VcpuActivity.Running,
        InterruptShadow.None,
        InstructionsRetired: 123_456,
        Cpuid: CpuidTable.Of([new CpuidEntry(1, 2, CpuidEntryFlags.SignificantIndex, 3, 4, 5, 6, 7, 8, 9)]),
        Observed: [new CpuidObservation(1, 2, 3, 4)],
        Apic: LocalApicState.Reset(id: 1) with { TimerDeadline = 11, TscDeadline = 12 },
        Events: new VcpuEvents(NmiPending: true, NmiBlocked: false, InitPending: false, SipiVector: 9, IsKicked: false),
        HeldBreakpoints: 0,
        RandomsDrawn: 77);

    private static ImmutableArray<ulong> Numbers(int count, ulong first) =>
        [.. Enumerable.Range(0, count).Select(i => first + (ulong)i)];
}
