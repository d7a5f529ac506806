// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Machine.Devices;

/// <summary>One range of ports of a device that has several, or that shares one with others.</summary>
internal sealed class PortWindow(
    ushort firstPort,
    int portCount,
    bool takesWideAccess,
    Func<int, int, uint> read,
    Action<int, int, uint> write,
    Func<int, bool, bool>? isQuiet = null) : IPortDevice
{
    public ushort FirstPort => firstPort;

    public int PortCount => portCount;

    public bool TakesWideAccess => takesWideAccess;

    public bool IsQuiet(int offset, bool isWrite) => isQuiet is not null && isQuiet(offset, isWrite);

    public uint Read(int offset, int sizeBytes) => read(offset, sizeBytes);

    public void Write(int offset, int sizeBytes, uint value) => write(offset, sizeBytes, value);
}
