// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Apic;
using KvmActors.Cpu.State;
using KvmActors.Persistence.Wire;

namespace KvmActors.Persistence.Snapshots;

/// <summary>A local APIC and the events that wait, to and from their messages.</summary>
internal static class ApicWire
{
    internal static WireLocalApic Of(LocalApicState apic) => new()
    {
        Registers = MachineWire.Of(apic.Registers),
        TimerDeadline = apic.TimerDeadline,
        TscDeadline = apic.TscDeadline,
    };

    internal static LocalApicState From(WireLocalApic wire) =>
        wire.Registers.Length == LocalApicState.RegisterBytes
            ? new LocalApicState(MachineWire.From(wire.Registers), wire.TimerDeadline, wire.TscDeadline)
            : throw new WireFault(
                $"Expected {LocalApicState.RegisterBytes} bytes of local APIC registers, found "
                + $"{wire.Registers.Length}.");

    internal static WireVcpuEvents Of(VcpuEvents events)
    {
        WireVcpuEvents wire = new()
        {
            NmiPending = events.NmiPending,
            NmiBlocked = events.NmiBlocked,
            InitPending = events.InitPending,
            IsKicked = events.IsKicked,
        };
        if (events.SipiVector is { } vector)
        {
            wire.SipiVector = vector;
        }

        return wire;
    }

    internal static VcpuEvents From(WireVcpuEvents wire) => new(
        wire.NmiPending,
        wire.NmiBlocked,
        wire.InitPending,
        !wire.HasSipiVector ? null
            : wire.SipiVector <= byte.MaxValue ? (byte)wire.SipiVector
            : throw new WireFault($"Expected a start-up vector of 0 to 255, found {wire.SipiVector}."),
        wire.IsKicked);
}
