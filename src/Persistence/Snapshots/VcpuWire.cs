// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.State;
using KvmActors.Persistence.Wire;

namespace KvmActors.Persistence.Snapshots;

/// <summary>A vCPU's state to and from its message.</summary>
internal static class VcpuWire
{
    internal static WireVcpuState Of(VcpuState vcpu)
    {
        var wire = new WireVcpuState
        {
            Index = checked((uint)vcpu.Index),
            Rip = vcpu.Rip,
            Rflags = vcpu.RFlags,
            Gdtr = Of(vcpu.Gdtr),
            Idtr = Of(vcpu.Idtr),
            Cr0 = vcpu.Cr0,
            Cr2 = vcpu.Cr2,
            Cr3 = vcpu.Cr3,
            Cr4 = vcpu.Cr4,
            Cr8 = vcpu.Cr8,
            Efer = vcpu.Efer,
            Xcr0 = vcpu.Xcr0,
            FxSave = MachineWire.Of(vcpu.FxSave),
            Activity = Of(vcpu.Activity),
            InterruptShadow = (uint)vcpu.InterruptShadow,
            InstructionsRetired = vcpu.InstructionsRetired,
            Cpuid = MachineWire.Of(vcpu.Cpuid),
            Apic = ApicWire.Of(vcpu.Apic),
            Events = ApicWire.Of(vcpu.Events),
            HeldBreakpoints = vcpu.HeldBreakpoints,
            RandomsDrawn = vcpu.RandomsDrawn,
        };
        wire.Gprs.AddRange(vcpu.Gprs);
        wire.Segments.AddRange(vcpu.Segments.Select(Of));
        wire.Msrs.AddRange(vcpu.Msrs.Select(msr => new WireMsr { Index = msr.Index, Value = msr.Value }));
        wire.DebugRegisters.AddRange(vcpu.DebugRegisters);
        wire.Observed.AddRange(vcpu.Observed.Select(Of));
        return wire;
    }

    internal static VcpuState From(WireVcpuState wire) => new(
        Index: MachineWire.Index(wire.Index, "index"),
        Gprs: [.. wire.Gprs],
        Rip: wire.Rip,
        RFlags: wire.Rflags,
        Segments: [.. wire.Segments.Select(From)],
        Gdtr: From(WireFault.Present(wire.Gdtr, "gdtr")),
        Idtr: From(WireFault.Present(wire.Idtr, "idtr")),
        Cr0: wire.Cr0,
        Cr2: wire.Cr2,
        Cr3: wire.Cr3,
        Cr4: wire.Cr4,
        Cr8: wire.Cr8,
        Efer: wire.Efer,
        Xcr0: wire.Xcr0,
        Msrs: [.. wire.Msrs.Select(msr => new MsrValue(msr.Index, msr.Value))],
        DebugRegisters: [.. wire.DebugRegisters],
        FxSave: MachineWire.From(wire.FxSave),
        Activity: From(wire.Activity),
        InterruptShadow: ShadowFrom(wire.InterruptShadow),
        InstructionsRetired: wire.InstructionsRetired,
        Cpuid: MachineWire.From(WireFault.Present(wire.Cpuid, "cpuid")),
        Observed: [.. wire.Observed.Select(o => new CpuidObservation(o.Leaf, o.Subleaf, o.FirstVmTime, o.Reads))],
        Apic: ApicWire.From(WireFault.Present(wire.Apic, "apic")),
        Events: ApicWire.From(WireFault.Present(wire.Events, "events")),
        HeldBreakpoints: MachineWire.Byte(wire.HeldBreakpoints, "held_breakpoints"),
        RandomsDrawn: wire.RandomsDrawn);

    private static InterruptShadow ShadowFrom(uint wire) => wire <= (uint)InterruptShadow.Sti
        ? (InterruptShadow)wire
        : throw new WireFault($"Expected an interrupt shadow of 0, 1 or 2, found {wire}.");

    private static WireVcpuActivity Of(VcpuActivity activity) => activity switch
    {
        VcpuActivity.Running => WireVcpuActivity.Running,
        VcpuActivity.Halted => WireVcpuActivity.Halted,
        VcpuActivity.Shutdown => WireVcpuActivity.Shutdown,
        VcpuActivity.WaitForSipi => WireVcpuActivity.WaitForSipi,
    };

    private static VcpuActivity From(WireVcpuActivity wire) => wire switch
    {
        WireVcpuActivity.Running => VcpuActivity.Running,
        WireVcpuActivity.Halted => VcpuActivity.Halted,
        WireVcpuActivity.Shutdown => VcpuActivity.Shutdown,
        WireVcpuActivity.WaitForSipi => VcpuActivity.WaitForSipi,
        _ => throw WireFault.Unnamed(wire),
    };

    private static WireSegment Of(SegmentState segment) => new()
    {
        Selector = segment.Selector,
        Base = segment.Base,
        Limit = segment.Limit,
        Attributes = segment.Attributes,
    };

    private static SegmentState From(WireSegment wire) => new(
        MachineWire.Word(wire.Selector, "selector"), wire.Base, wire.Limit, wire.Attributes);

    private static WireDescriptorTable Of(DescriptorTableState table) =>
        new() { Base = table.Base, Limit = table.Limit };

    private static DescriptorTableState From(WireDescriptorTable wire) => new(
        wire.Base, MachineWire.Word(wire.Limit, "limit"));

    private static WireCpuidObservation Of(CpuidObservation observation) => new()
    {
        Leaf = observation.Leaf,
        Subleaf = observation.Subleaf,
        FirstVmTime = observation.FirstVmTime,
        Reads = observation.Reads,
    };
}
