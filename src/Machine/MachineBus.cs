// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu;
using KvmActors.Cpu.Apic;
using KvmActors.Machine.Devices;

namespace KvmActors.Machine;

/// <summary>What the vCPUs of a VM reach: the devices and each other.</summary>
/// <param name="platform">The devices; their clock stands at the VM time of what is going on.</param>
internal sealed class MachineBus(Platform platform) : IVcpuBus
{
    private VcpuSet? _vcpus;
    private MachineClocks? _clocks;

    public bool HasExternalInterrupt => platform.HasExternalInterrupt;

    /// <summary>To be called once, when the vCPUs that use this bus exist.</summary>
    public void Connect(VcpuSet vcpus, MachineClocks clocks)
    {
        _vcpus = vcpus;
        _clocks = clocks;
    }

    public bool TryReadPort(ushort port, int sizeBytes, ulong vmTime, out uint value)
    {
        platform.Clock.VmTime = vmTime;
        return platform.Bus.TryReadQuietly(port, sizeBytes, out value);
    }

    public bool TryWritePort(ushort port, int sizeBytes, uint value, ulong vmTime)
    {
        platform.Clock.VmTime = vmTime;
        return platform.Bus.TryWriteQuietly(port, sizeBytes, value);
    }

    public ulong ReadMmio(Gpa address, int sizeBytes, ulong vmTime)
    {
        platform.Clock.VmTime = vmTime;
        return platform.ReadMmio(address.Value, sizeBytes);
    }

    public void WriteMmio(Gpa address, int sizeBytes, ulong value, ulong vmTime)
    {
        platform.Clock.VmTime = vmTime;
        platform.WriteMmio(address.Value, sizeBytes, value);
    }

    public byte AcknowledgeExternalInterrupt() => platform.AcknowledgeExternalInterrupt();

    public void Send(int sender, InterruptMessage message) => _ = _vcpus!.Send(sender, message);

    public void EndOfInterrupt(byte vector) => platform.EndOfInterrupt(vector);

    public void ClocksChanged(ulong vmTime) => _clocks!.WriteAll(vmTime);

    public void WallClockAsked(ulong register) => _clocks!.WriteWallClock(register);
}
