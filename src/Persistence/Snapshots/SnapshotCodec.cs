// SPDX-License-Identifier: Apache-2.0

using System.Buffers.Binary;
using Google.Protobuf;
using KvmActors.Machine;
using KvmActors.Persistence.Wire;

namespace KvmActors.Persistence.Snapshots;

// Layout, little-endian: 0 magic "KVAS" (4), 4 version (4), 8 Protobuf message WireMachineState.

/// <summary>The state of a machine, all but memory, to and from bytes. Pure. Used by snapshots and by
/// migration.</summary>
/// <remarks>The same state always gives the same bytes, but they are no state hash: a later version may write
/// others.</remarks>
public static class SnapshotCodec
{
    /// <summary>The version this program writes, and the only one there is so far.</summary>
    public const int VersionLatest = 3;

    /// <summary>Bytes before the message.</summary>
    public const int HeaderBytes = 8;

    private static ReadOnlySpan<byte> Magic => "KVAS"u8;

    public static ReadOnlyMemory<byte> Encode(MachineState state)
    {
        ArgumentNullException.ThrowIfNull(state);
        WireMachineState wire = Of(state);
        byte[] bytes = new byte[HeaderBytes + wire.CalculateSize()];
        Magic.CopyTo(bytes);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(Magic.Length), VersionLatest);
        wire.WriteTo(bytes.AsSpan(HeaderBytes));
        return bytes;
    }

    /// <exception cref="JournalFormatException">A newer program wrote it.</exception>
    /// <exception cref="StoreCorruptException">No encoded machine state.</exception>
    public static MachineState Decode(ReadOnlyMemory<byte> bytes)
    {
        ReadOnlySpan<byte> span = bytes.Span;
        if (span.Length < HeaderBytes || !span[..Magic.Length].SequenceEqual(Magic))
        {
            throw new StoreCorruptException(
                $"Expected a machine state of at least {HeaderBytes} bytes that begins with \"KVAS\", found "
                + $"{span.Length} bytes that begin with "
                + $"{Convert.ToHexStringLower(span[..Math.Min(span.Length, Magic.Length)])}. Use an earlier snapshot.");
        }

        int version = BinaryPrimitives.ReadInt32LittleEndian(span[Magic.Length..]);
        if (version != VersionLatest)
        {
            throw new JournalFormatException(
                $"Expected a machine state of version {VersionLatest}, found version {version}. Read it with the "
                + "version that wrote it.");
        }

        try
        {
            return From(WireMachineState.Parser.ParseFrom(span[HeaderBytes..]));
        }
        catch (Exception fault) when (fault is InvalidProtocolBufferException or WireFault)
        {
            throw new StoreCorruptException(
                $"The machine state is damaged: {fault.Message} Use an earlier snapshot.", fault);
        }
    }

    private static WireMachineState Of(MachineState state)
    {
        var wire = new WireMachineState
        {
            VmTime = state.VmTime,
            HostVendor = MachineWire.Of(state.HostVendor),
            Turn = checked((uint)state.Turn),
            TurnTicksLeft = state.TurnTicksLeft,
            ConsoleBytes = state.ConsoleBytes,
            End = MachineWire.Of(state.End),
            Platform = PlatformWire.Of(state.Platform),
        };
        if (state.Runner != state.Turn)
        {
            wire.Runner = checked((uint)state.Runner);
        }

        wire.Vcpus.AddRange(state.Vcpus.Select(VcpuWire.Of));
        wire.PatchSites.AddRange(state.PatchSites.Select(MachineWire.Of));
        return wire;
    }

    private static MachineState From(WireMachineState wire) => new(
        VmTime: wire.VmTime,
        HostVendor: MachineWire.From(wire.HostVendor),
        Turn: MachineWire.Index(wire.Turn, "turn"),
        Runner: MachineWire.Index(wire.HasRunner ? wire.Runner : wire.Turn, "runner"),
        TurnTicksLeft: wire.TurnTicksLeft,
        ConsoleBytes: wire.ConsoleBytes,
        End: MachineWire.From(wire.End),
        Vcpus: [.. wire.Vcpus.Select(VcpuWire.From)],
        Platform: PlatformWire.From(WireFault.Present(wire.Platform, "platform")),
        PatchSites: [.. wire.PatchSites.Select(MachineWire.From)]);
}
