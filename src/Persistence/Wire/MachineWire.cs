// SPDX-License-Identifier: Apache-2.0

using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Diagnostics;
using Google.Protobuf;
using KvmActors.Cpu;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Machine;
using KvmActors.Machine.Hashing;

namespace KvmActors.Persistence.Wire;

/// <summary>The parts of a machine that journal and snapshots share, to and from their messages.</summary>
internal static class MachineWire
{
    private const int MemorySumBytes = 16;

    internal static WireMachineSpec Of(MachineSpec spec)
    {
        WireMachineSpec wire = new()
        {
            VcpuCount = checked((uint)spec.VcpuCount),
            MemoryBytes = spec.MemoryBytes,
            PatchPolicy = spec.PatchPolicy switch
            {
                HypercallPatchPolicy.Auto => WirePatchPolicy.Auto,
                HypercallPatchPolicy.Patch => WirePatchPolicy.Patch,
                HypercallPatchPolicy.Emulate => WirePatchPolicy.Emulate,
                HypercallPatchPolicy.Inject => WirePatchPolicy.Inject,
            },
            TurnTicks = spec.TurnTicks,
            CpuidDialect = spec.CpuidDialect switch
            {
                // As journals were written before there was another one: their bytes stay what they were.
                CpuidDialect.Kvm => WireCpuidDialect.Unspecified,
                CpuidDialect.Kvm2007 => WireCpuidDialect.Kvm2007,
            },
        };
        if (spec.RtcStartUnixSeconds != MachineSpec.RtcStartDefault)
        {
            wire.RtcStart = spec.RtcStartUnixSeconds;
        }

        if (spec.RandomSeed != 0)
        {
            wire.RandomSeed = spec.RandomSeed;
        }

        return wire;
    }

    internal static MachineSpec From(WireMachineSpec wire) => new(
        VcpuCount: Index(wire.VcpuCount, "vcpu_count"),
        MemoryBytes: wire.MemoryBytes,
        PatchPolicy: wire.PatchPolicy switch
        {
            WirePatchPolicy.Auto => HypercallPatchPolicy.Auto,
            WirePatchPolicy.Patch => HypercallPatchPolicy.Patch,
            WirePatchPolicy.Emulate => HypercallPatchPolicy.Emulate,
            WirePatchPolicy.Inject => HypercallPatchPolicy.Inject,
            _ => throw WireFault.Unnamed(wire.PatchPolicy),
        },
        TurnTicks: wire.TurnTicks)
    {
        CpuidDialect = wire.CpuidDialect switch
        {
            WireCpuidDialect.Unspecified or WireCpuidDialect.Kvm => CpuidDialect.Kvm,
            WireCpuidDialect.Kvm2007 => CpuidDialect.Kvm2007,
            _ => throw WireFault.Unnamed(wire.CpuidDialect),
        },
        RandomSeed = wire.RandomSeed,
        RtcStartUnixSeconds = wire.HasRtcStart ? wire.RtcStart : MachineSpec.RtcStartDefault,
    };

    internal static WireHostVendor Of(HostVendor vendor) => vendor switch
    {
        HostVendor.Intel => WireHostVendor.Intel,
        HostVendor.Amd => WireHostVendor.Amd,
    };

    internal static HostVendor From(WireHostVendor wire) => wire switch
    {
        WireHostVendor.Intel => HostVendor.Intel,
        WireHostVendor.Amd => HostVendor.Amd,
        _ => throw WireFault.Unnamed(wire),
    };

    internal static WireCpuidTable Of(CpuidTable table)
    {
        var wire = new WireCpuidTable();
        foreach (CpuidEntry entry in table.Entries)
        {
            wire.Entries.Add(new WireCpuidEntry
            {
                Leaf = entry.Leaf,
                Subleaf = entry.Subleaf,
                Flags = (uint)entry.Flags,
                Eax = entry.Eax,
                Ebx = entry.Ebx,
                Ecx = entry.Ecx,
                Edx = entry.Edx,
                Padding0 = entry.Padding0,
                Padding1 = entry.Padding1,
                Padding2 = entry.Padding2,
            });
        }

        return wire;
    }

    internal static CpuidTable From(WireCpuidTable wire) => wire.Entries.Count <= CpuidTable.EntriesMax
        ? CpuidTable.Of(wire.Entries.Select(e => new CpuidEntry(
            e.Leaf, e.Subleaf, (CpuidEntryFlags)e.Flags, e.Eax, e.Ebx, e.Ecx, e.Edx,
            e.Padding0, e.Padding1, e.Padding2)))
        : throw new WireFault($"Expected at most {CpuidTable.EntriesMax} CPUID entries, found {wire.Entries.Count}.");

    internal static WireMachineEnd? Of(MachineEnd? end) => end switch
    {
        null => null,
        MachineEnd.DebugExit e => new WireMachineEnd { DebugExit = new WireDebugExit { Value = e.Value } },
        MachineEnd.PoweredOff => new WireMachineEnd { PoweredOff = new WirePoweredOff() },
        MachineEnd.Reset => new WireMachineEnd { Reset = new WireReset() },
        MachineEnd.TripleFault e => new WireMachineEnd
        {
            TripleFault = new WireTripleFault { VcpuIndex = checked((uint)e.VcpuIndex), Reason = e.Reason },
        },
        MachineEnd.EmulationFailure e => new WireMachineEnd
        {
            EmulationFailure = new WireEmulationFailure
            {
                VcpuIndex = checked((uint)e.VcpuIndex),
                Rip = e.Rip.Value,
                Instruction = Of(e.Bytes),
                Reason = e.Reason,
            },
        },
        _ => throw new UnreachableException($"No message for the end {end.GetType().Name}."),
    };

    internal static MachineEnd? From(WireMachineEnd? wire) => wire?.EndCase switch
    {
        null => null,
        WireMachineEnd.EndOneofCase.DebugExit => new MachineEnd.DebugExit(wire.DebugExit.Value),
        WireMachineEnd.EndOneofCase.PoweredOff => new MachineEnd.PoweredOff(),
        WireMachineEnd.EndOneofCase.Reset => new MachineEnd.Reset(),
        WireMachineEnd.EndOneofCase.TripleFault => new MachineEnd.TripleFault(
            Index(wire.TripleFault.VcpuIndex, "vcpu_index"), wire.TripleFault.Reason),
        WireMachineEnd.EndOneofCase.EmulationFailure => new MachineEnd.EmulationFailure(
            Index(wire.EmulationFailure.VcpuIndex, "vcpu_index"),
            new Gva(wire.EmulationFailure.Rip),
            From(wire.EmulationFailure.Instruction),
            wire.EmulationFailure.Reason),
        _ => throw new WireFault("Expected one way to end, found none that is known here."),
    };

    internal static WireHypercallPatch Of(HypercallPatch patch) => new()
    {
        VcpuIndex = checked((uint)patch.VcpuIndex),
        VmTime = patch.VmTime,
        Gva = patch.Gva.Value,
        Gpa = patch.Gpa.Value,
        Before = Of(patch.Before),
        After = Of(patch.After),
        Vendor = Of(patch.Vendor),
    };

    internal static HypercallPatch From(WireHypercallPatch wire) => new(
        VcpuIndex: Index(wire.VcpuIndex, "vcpu_index"),
        VmTime: wire.VmTime,
        Gva: new Gva(wire.Gva),
        Gpa: new Gpa(wire.Gpa),
        Before: From(wire.Before),
        After: From(wire.After),
        Vendor: From(wire.Vendor));

    internal static ByteString Of(ImmutableArray<byte> bytes) => ByteString.CopyFrom(bytes.AsSpan());

    internal static ImmutableArray<byte> From(ByteString bytes) => [.. bytes.Span];

    internal static ByteString Of(Digest digest) => ByteString.CopyFrom(digest.ToArray());

    internal static ByteString Of(StateHash hash) => Of(Digest.FromBytes(Convert.FromHexString(hash.Hex)));

    internal static StateHash StateHash(ByteString bytes) => bytes.Length == Digest.SizeBytes
        ? new StateHash(Convert.ToHexStringLower(bytes.Span))
        : throw new WireFault($"Expected a state hash of {Digest.SizeBytes} bytes, found {bytes.Length}.");

    internal static ByteString Of(MemorySum sum)
    {
        byte[] bytes = new byte[MemorySumBytes];
        BinaryPrimitives.WriteUInt128LittleEndian(bytes, sum.Value);
        return ByteString.CopyFrom(bytes);
    }

    internal static MemorySum MemorySum(ByteString bytes) => bytes.Length == MemorySumBytes
        ? new MemorySum(BinaryPrimitives.ReadUInt128LittleEndian(bytes.Span))
        : throw new WireFault($"Expected a memory sum of {MemorySumBytes} bytes, found {bytes.Length}.");

    /// <summary>A count or an index: not negative, and small.</summary>
    internal static int Index(uint value, string field) => value <= int.MaxValue
        ? (int)value
        : throw new WireFault($"Expected {field} below 2^31, found {value}.");

    internal static byte Byte(uint value, string field) => value <= byte.MaxValue
        ? (byte)value
        : throw new WireFault($"Expected {field} of 8 bits, found 0x{value:x}.");

    internal static ushort Word(uint value, string field) => value <= ushort.MaxValue
        ? (ushort)value
        : throw new WireFault($"Expected {field} of 16 bits, found 0x{value:x}.");
}
