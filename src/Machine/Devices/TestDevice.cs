// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;

namespace KvmActors.Machine.Devices;

/// <summary>QEMU's pc-testdev, which kvm-unit-tests expect.</summary>
/// <remarks>Ports E0h to E3h and E8h to EBh read back what was written to either; E4h is told of a page whose
/// mapping is to be flushed, which an interpreter need not be; 2000h to 2017h set interrupt line 0 to 23 to whether
/// the byte is not 0; and 64 KiB of memory at GPA FF000000h are reached as a device and not as RAM.
/// Source: QEMU hw/misc/pc-testdev.c.</remarks>
internal sealed class TestDevice
{
    public const ulong FirstGpa = 0xFF00_0000;
    public const int MemoryBytes = TestDeviceState.MemoryBytesMax;

    private const int LineCount = 24;

    private readonly Action<int, bool> _setLine;
    private readonly byte[] _memory = new byte[MemoryBytes];
    private uint _port;

    /// <param name="setLine">Takes a line's number and level.</param>
    public TestDevice(Action<int, bool> setLine)
    {
        _setLine = setLine;
        Ports =
        [
            new PortWindow(0xE0, 4, takesWideAccess: true, ReadPort, WritePort),
            new PortWindow(0xE4, 4, takesWideAccess: true, (_, _) => 0xFFFF_FFFF, (_, _, _) => { }),
            new PortWindow(0xE8, 4, takesWideAccess: false, ReadPort, WritePort),
            new PortWindow(0x2000, LineCount, takesWideAccess: false, (_, _) => 0xFF, (o, _, v) => _setLine(o, v != 0)),
        ];
    }

    public ImmutableArray<IPortDevice> Ports { get; }

    /// <param name="offset">From <see cref="FirstGpa"/>; what is beyond the memory's end reads 0.</param>
    public ulong ReadMemory(ulong offset, int sizeBytes)
    {
        ulong value = 0;
        for (int i = 0; i < sizeBytes && offset + (ulong)i < MemoryBytes; i++)
        {
            value |= (ulong)_memory[(int)offset + i] << (8 * i);
        }

        return value;
    }

    /// <param name="offset">From <see cref="FirstGpa"/>.</param>
    public void WriteMemory(ulong offset, int sizeBytes, ulong value)
    {
        for (int i = 0; i < sizeBytes && offset + (ulong)i < MemoryBytes; i++)
        {
            _memory[(int)offset + i] = (byte)(value >> (8 * i));
        }
    }

    public TestDeviceState Save()
    {
        int used = _memory.AsSpan().LastIndexOfAnyExcept((byte)0) + 1;
        return new TestDeviceState(_port, [.. _memory.AsSpan(0, used)]);
    }

    public void Restore(TestDeviceState state)
    {
        _port = state.Port;
        _memory.AsSpan().Clear();
        state.Memory.AsSpan().CopyTo(_memory);
    }

    private uint ReadPort(int offset, int sizeBytes) => _port >> (8 * offset);

    private void WritePort(int offset, int sizeBytes, uint value)
    {
        uint mask = sizeBytes == 4 ? uint.MaxValue : (1u << (8 * sizeBytes)) - 1;
        _port = (_port & ~(mask << (8 * offset))) | (value << (8 * offset));
    }
}
