// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;

namespace KvmActors.Machine.Devices;

/// <summary>The 65,536 I/O ports of a VM: routes each access to the device that owns the port.</summary>
/// <remarks>A port that nobody owns reads all ones and swallows writes, as an ISA bus does. An access that a device
/// does not take whole, or that reaches over the end of its range, is cut into bytes on consecutive ports, lowest
/// first; port numbers wrap at 65,536.</remarks>
internal sealed class PortBus
{
    private const int PortCount = 1 << 16;

    private readonly IPortDevice?[] _owners = new IPortDevice?[PortCount];
    private readonly Action? _beforeAccess;

    /// <param name="beforeAccess">Called before each access reaches a device: brings devices up to date.</param>
    /// <exception cref="ArgumentException">Two devices claim one port.</exception>
    public PortBus(ImmutableArray<IPortDevice> devices, Action? beforeAccess = null)
    {
        _beforeAccess = beforeAccess;
        foreach (IPortDevice device in devices)
        {
            for (int port = device.FirstPort; port < device.FirstPort + device.PortCount; port++)
            {
                if (_owners[port] is not null)
                {
                    throw new ArgumentException(
                        $"Expected one owner for I/O port 0x{port:x}, found {_owners[port]!.GetType().Name} and "
                        + $"{device.GetType().Name}. Move one of them.",
                        nameof(devices));
                }

                _owners[port] = device;
            }
        }
    }

    public uint Read(ushort port, int sizeBytes)
    {
        _beforeAccess?.Invoke();
        if (WholeOwner(port, sizeBytes) is { } device)
        {
            return device.Read(port - device.FirstPort, sizeBytes) & MaskOf(sizeBytes);
        }

        uint value = 0;
        for (int i = 0; i < sizeBytes; i++)
        {
            value |= ReadByte((ushort)(port + i)) << (8 * i);
        }

        return value;
    }

    public void Write(ushort port, int sizeBytes, uint value)
    {
        _beforeAccess?.Invoke();
        if (WholeOwner(port, sizeBytes) is { } device)
        {
            device.Write(port - device.FirstPort, sizeBytes, value & MaskOf(sizeBytes));
            return;
        }

        for (int i = 0; i < sizeBytes; i++)
        {
            ushort each = (ushort)(port + i);
            if (_owners[each] is { } owner)
            {
                owner.Write(each - owner.FirstPort, sizeBytes: 1, (value >> (8 * i)) & 0xFF);
            }
        }
    }

    /// <summary>As <see cref="Read"/>, without bringing devices up to date, if that is the same.</summary>
    public bool TryReadQuietly(ushort port, int sizeBytes, out uint value)
    {
        value = MaskOf(sizeBytes);
        if (!IsQuiet(port, sizeBytes, isWrite: false))
        {
            return false;
        }

        if (_owners[port] is { } device)
        {
            value &= device.Read(port - device.FirstPort, sizeBytes);
        }

        return true;
    }

    /// <summary>As <see cref="Write"/>, without bringing devices up to date, if that is the same.</summary>
    public bool TryWriteQuietly(ushort port, int sizeBytes, uint value)
    {
        if (!IsQuiet(port, sizeBytes, isWrite: true))
        {
            return false;
        }

        if (_owners[port] is { } device)
        {
            device.Write(port - device.FirstPort, sizeBytes, value & MaskOf(sizeBytes));
        }

        return true;
    }

    /// <summary>A byte of a device that says so, or ports that nobody owns.</summary>
    private bool IsQuiet(ushort port, int sizeBytes, bool isWrite)
    {
        if (sizeBytes == 1)
        {
            return _owners[port] is not { } device || device.IsQuiet(port - device.FirstPort, isWrite);
        }

        for (int i = 0; i < sizeBytes; i++)
        {
            if (_owners[(ushort)(port + i)] is not null)
            {
                return false;
            }
        }

        return true;
    }

    private static uint MaskOf(int sizeBytes) => sizeBytes switch
    {
        1 => 0xFF,
        2 => 0xFFFF,
        4 => 0xFFFF_FFFF,
        _ => throw new ArgumentOutOfRangeException(
            nameof(sizeBytes), sizeBytes, "Expected a port access of 1, 2 or 4 bytes."),
    };

    private IPortDevice? WholeOwner(ushort port, int sizeBytes)
    {
        IPortDevice? owner = _owners[port];
        bool whole = owner is not null
            && (sizeBytes == 1 || owner.TakesWideAccess)
            && port + sizeBytes <= owner.FirstPort + owner.PortCount;
        return whole ? owner : null;
    }

    private uint ReadByte(ushort port) =>
        _owners[port] is { } owner ? owner.Read(port - owner.FirstPort, sizeBytes: 1) & 0xFF : 0xFF;
}
