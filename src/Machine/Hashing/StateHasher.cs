// SPDX-License-Identifier: Apache-2.0

using System.Diagnostics;
using System.Security.Cryptography;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Cpu.State;
using KvmActors.Machine.Devices;

namespace KvmActors.Machine.Hashing;

/// <summary>Computes the <see cref="StateHash"/> of a VM: SHA-256 over the canonical encoding of every field of its
/// <see cref="MachineState"/>.</summary>
/// <remarks>
/// Journals hold these hashes, so the encoding is a format: <see cref="EncodingVersion"/> is its first field, and a
/// change of any kind raises it. Fields follow in the order of the records' declarations, in the forms that
/// <see cref="CanonicalWriter"/> describes. <c>StateHasherTests</c> changes each field in turn and demands another
/// hash, so a field that is added to a record and forgotten here breaks the build's tests.
/// </remarks>
public static class StateHasher
{
    /// <summary>Raised with every change of the encoding. Hashes of different versions are never compared.</summary>
    public const uint EncodingVersion = 4;

    public static StateHash Hash(MachineState state)
    {
        ArgumentNullException.ThrowIfNull(state);

        CanonicalWriter writer = new();
        writer.UInt32(EncodingVersion);
        WriteMachine(writer, state);
        return new StateHash(Convert.ToHexStringLower(SHA256.HashData(writer.Written)));
    }

    private static void WriteMachine(CanonicalWriter writer, MachineState state)
    {
        writer.UInt64(state.VmTime);
        writer.Int32((int)state.HostVendor);
        writer.Int32(state.Turn);
        writer.Int32(state.Runner);
        writer.UInt64(state.TurnTicksLeft);
        writer.UInt64(state.ConsoleBytes);
        WriteEnd(writer, state.End);
        writer.List(state.Vcpus, vcpu => WriteVcpu(writer, vcpu));
        PlatformHasher.Write(writer, state.Platform);
        writer.List(state.PatchSites, patch => WritePatch(writer, patch));
    }

    private static void WriteEnd(CanonicalWriter writer, MachineEnd? end)
    {
        switch (end)
        {
            case null:
                writer.Byte(0);
                break;
            case MachineEnd.DebugExit debugExit:
                writer.Byte(1);
                writer.UInt32(debugExit.Value);
                break;
            case MachineEnd.PoweredOff:
                writer.Byte(2);
                break;
            case MachineEnd.Reset:
                writer.Byte(5);
                break;
            case MachineEnd.TripleFault tripleFault:
                writer.Byte(3);
                writer.Int32(tripleFault.VcpuIndex);
                writer.Text(tripleFault.Reason);
                break;
            case MachineEnd.EmulationFailure failure:
                writer.Byte(4);
                writer.Int32(failure.VcpuIndex);
                writer.UInt64(failure.Rip.Value);
                writer.Bytes(failure.Bytes);
                writer.Text(failure.Reason);
                break;
            default:
                throw new UnreachableException($"Expected a known end of a VM, found {end.GetType().Name}.");
        }
    }

    private static void WriteVcpu(CanonicalWriter writer, VcpuState vcpu)
    {
        writer.Int32(vcpu.Index);
        writer.List(vcpu.Gprs, writer.UInt64);
        writer.UInt64(vcpu.Rip);
        writer.UInt64(vcpu.RFlags);
        writer.List(vcpu.Segments, segment => WriteSegment(writer, segment));
        WriteTable(writer, vcpu.Gdtr);
        WriteTable(writer, vcpu.Idtr);
        writer.UInt64(vcpu.Cr0);
        writer.UInt64(vcpu.Cr2);
        writer.UInt64(vcpu.Cr3);
        writer.UInt64(vcpu.Cr4);
        writer.UInt64(vcpu.Cr8);
        writer.UInt64(vcpu.Efer);
        writer.UInt64(vcpu.Xcr0);
        writer.List(vcpu.Msrs, msr =>
        {
            writer.UInt32(msr.Index);
            writer.UInt64(msr.Value);
        });
        writer.List(vcpu.DebugRegisters, writer.UInt64);
        writer.Bytes(vcpu.FxSave);
        writer.Int32((int)vcpu.Activity);
        writer.Byte((byte)vcpu.InterruptShadow);
        writer.UInt64(vcpu.InstructionsRetired);
        writer.List(vcpu.Cpuid.Entries, entry => WriteCpuid(writer, entry));
        writer.List(vcpu.Observed, observation =>
        {
            writer.UInt32(observation.Leaf);
            writer.UInt32(observation.Subleaf);
            writer.UInt64(observation.FirstVmTime);
            writer.UInt64(observation.Reads);
        });
        writer.Bytes(vcpu.Apic.Registers);
        writer.UInt64(vcpu.Apic.TimerDeadline);
        writer.UInt64(vcpu.Apic.TscDeadline);
        writer.Flag(vcpu.Events.NmiPending);
        writer.Flag(vcpu.Events.NmiBlocked);
        writer.Flag(vcpu.Events.InitPending);
        writer.Int32(vcpu.Events.SipiVector ?? -1);
        writer.Flag(vcpu.Events.IsKicked);
        writer.Byte(vcpu.HeldBreakpoints);
        writer.UInt64(vcpu.RandomsDrawn);
    }

    private static void WriteSegment(CanonicalWriter writer, SegmentState segment)
    {
        writer.UInt16(segment.Selector);
        writer.UInt64(segment.Base);
        writer.UInt32(segment.Limit);
        writer.UInt32(segment.Attributes);
    }

    private static void WriteTable(CanonicalWriter writer, DescriptorTableState table)
    {
        writer.UInt64(table.Base);
        writer.UInt16(table.Limit);
    }

    private static void WriteCpuid(CanonicalWriter writer, CpuidEntry entry)
    {
        writer.UInt32(entry.Leaf);
        writer.UInt32(entry.Subleaf);
        writer.UInt32((uint)entry.Flags);
        writer.UInt32(entry.Eax);
        writer.UInt32(entry.Ebx);
        writer.UInt32(entry.Ecx);
        writer.UInt32(entry.Edx);
        writer.UInt32(entry.Padding0);
        writer.UInt32(entry.Padding1);
        writer.UInt32(entry.Padding2);
    }

    internal static void WriteSerial(CanonicalWriter writer, SerialState serial)
    {
        writer.Byte(serial.InterruptEnable);
        writer.Byte(serial.FifoControl);
        writer.Byte(serial.LineControl);
        writer.Byte(serial.ModemControl);
        writer.Byte(serial.Scratch);
        writer.UInt16(serial.Divisor);
        writer.Flag(serial.Overrun);
        writer.Flag(serial.TransmitInterruptPending);
        writer.Bytes(serial.Received);
        writer.Byte(serial.ModemChanges);
    }

    private static void WritePatch(CanonicalWriter writer, HypercallPatch patch)
    {
        writer.Int32(patch.VcpuIndex);
        writer.UInt64(patch.VmTime);
        writer.UInt64(patch.Gva.Value);
        writer.UInt64(patch.Gpa.Value);
        writer.Bytes(patch.Before);
        writer.Bytes(patch.After);
        writer.Int32((int)patch.Vendor);
    }
}
