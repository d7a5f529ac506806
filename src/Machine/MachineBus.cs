// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu;
using KvmActors.Cpu.Apic;

namespace KvmActors.Machine;

/// <summary>What the vCPUs of a VM reach: each other.</summary>
internal sealed class MachineBus : IVcpuBus
{
    private VcpuSet? _vcpus;

    public bool HasExternalInterrupt => false;

    /// <summary>To be called once, when the vCPUs that use this bus exist.</summary>
    public void Connect(VcpuSet vcpus) => _vcpus = vcpus;

    public ulong ReadMmio(Gpa address, int sizeBytes, ulong vmTime) => ulong.MaxValue;

    public void WriteMmio(Gpa address, int sizeBytes, ulong value, ulong vmTime)
    {
    }

    public byte AcknowledgeExternalInterrupt() =>
        throw new InvalidOperationException("Expected an external interrupt to acknowledge, found none.");

    public void Send(int sender, InterruptMessage message) => _ = _vcpus!.Send(sender, message);

    public void EndOfInterrupt(byte vector)
    {
    }
}
