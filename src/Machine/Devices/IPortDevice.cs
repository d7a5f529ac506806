// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Machine.Devices;

/// <summary>A device behind a contiguous range of I/O ports. It owns no clock and no thread: it answers when asked, on
/// the thread that runs the VM, as a pure function of its state.</summary>
internal interface IPortDevice
{
    /// <summary>First port of the range.</summary>
    ushort FirstPort { get; }

    /// <summary>Ports in the range, at least 1.</summary>
    int PortCount { get; }

    /// <summary>True if an access of 2 or 4 bytes reaches the device whole; false if the bus cuts it into
    /// bytes.</summary>
    bool TakesWideAccess { get; }

    /// <summary>True if an access of one byte now would move no interrupt line and no deadline and end nothing,
    /// provided that nothing is due.</summary>
    bool IsQuiet(int offset, bool isWrite) => false;

    /// <summary>Answers IN.</summary>
    /// <param name="offset">Port minus <see cref="FirstPort"/>.</param>
    /// <param name="sizeBytes">1, 2 or 4; always 1 where <see cref="TakesWideAccess"/> is false.</param>
    uint Read(int offset, int sizeBytes);

    /// <summary>Takes OUT. Bits of <paramref name="value"/> above the access size are zero.</summary>
    void Write(int offset, int sizeBytes, uint value);
}
