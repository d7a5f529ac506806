// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Machine.Devices;

/// <summary>The isa-debug-exit device at port 0xF4: a write ends the VM with the value written.</summary>
/// <remarks>Source: QEMU hw/misc/debugexit.c (iobase 0xF4, iosize 4 as kvm-unit-tests sets them): reads give 0, the
/// exit status is (value &lt;&lt; 1) | 1. It holds nothing that outlives the write: the end is the VM's.</remarks>
internal sealed class DebugExitPort : IPortDevice
{
    public ushort FirstPort => 0xF4;

    public int PortCount => 4;

    public bool TakesWideAccess => true;

    /// <summary>What the guest wrote, until the VM has taken it.</summary>
    public uint? Written { get; private set; }

    /// <summary>To be called when the whole state is replaced: an end that was taken back is none.</summary>
    public void Forget() => Written = null;

    public uint Read(int offset, int sizeBytes) => 0;

    public void Write(int offset, int sizeBytes, uint value) => Written ??= value;
}
