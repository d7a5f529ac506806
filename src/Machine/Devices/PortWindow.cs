// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Machine.Devices;

/// <summary>One range of ports of a device that has several, or that shares one with others.</summary>
internal sealed class PortWindow(
    ushort firstPort,
    int portCount,
    bool takesWideAccess,
    Func<int, int, uint> read,
    Action<int, int, uint> write) : IPortDevice
{
    public ushort FirstPort => firstPort;

    public int PortCount => portCount;

    public bool TakesWideAccess => takesWideAccess;

    public uint Read(int offset, int sizeBytes) => read(offset, sizeBytes);

    public void Write(int offset, int sizeBytes, uint value) => write(offset, sizeBytes, value);
}
