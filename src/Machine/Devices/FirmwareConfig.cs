// SPDX-License-Identifier: Apache-2.0

using System.Buffers.Binary;
using System.Collections.Immutable;

namespace KvmActors.Machine.Devices;

/// <summary>QEMU's fw_cfg at ports 510h (key) and 511h (data): what a firmware, or a test without one, asks about the
/// machine.</summary>
/// <remarks>Source: QEMU docs/specs/fw_cfg.rst. The traditional interface alone, read-only: no DMA (bit 1 of the ID is
/// clear), no writes, an empty file directory. An unknown item, and what is behind an item's end, reads 0.</remarks>
internal sealed class FirmwareConfig : IPortDevice
{
    private const ushort NoItem = 0xFFFF;

    private readonly ImmutableDictionary<ushort, ImmutableArray<byte>> _items;
    private ushort _key = NoItem;
    private uint _offset;

    public FirmwareConfig(PlatformOptions options) => _items = ItemsOf(options);

    public ushort FirstPort => 0x510;

    public int PortCount => 2;

    public bool TakesWideAccess => true;

    public uint Read(int offset, int sizeBytes) => offset == 1 ? NextByte() : 0;

    public void Write(int offset, int sizeBytes, uint value)
    {
        if (offset == 0 && sizeBytes == 2)
        {
            _key = (ushort)value;
            _offset = 0;
        }
    }

    public FirmwareConfigState Save() => new(_key, _offset);

    public void Restore(FirmwareConfigState state)
    {
        _key = state.Key;
        _offset = state.Offset;
    }

    private static ImmutableDictionary<ushort, ImmutableArray<byte>> ItemsOf(PlatformOptions options)
    {
        ushort vcpus = (ushort)options.VcpuCount;
        return new Dictionary<ushort, ImmutableArray<byte>>
        {
            [0x00] = [.. "QEMU"u8],
            [0x01] = Number(1, sizeBytes: 4),
            [0x03] = Number(options.MemoryBytes, sizeBytes: 8),
            [0x04] = Number(1, sizeBytes: 2),
            [0x05] = Number(vcpus, sizeBytes: 2),
            [0x0F] = Number(vcpus, sizeBytes: 2),
            [0x19] = Number(0, sizeBytes: 4),
            [0x8002] = Number(1, sizeBytes: 4),
        }.ToImmutableDictionary();
    }

    private static ImmutableArray<byte> Number(ulong value, int sizeBytes)
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        return [.. bytes[..sizeBytes]];
    }

    private uint NextByte()
    {
        if (!_items.TryGetValue(_key, out ImmutableArray<byte> item) || _offset >= item.Length)
        {
            return 0;
        }

        return item[(int)_offset++];
    }
}
