// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Apic;

namespace KvmActors.Cpu.Execute.Events;

/// <summary>The bus of a vCPU alone: no devices, no other processors.</summary>
internal sealed class NoBus : IVcpuBus
{
    public static NoBus Instance { get; } = new();

    public bool HasExternalInterrupt => false;

    public ulong ReadMmio(Gpa address, int sizeBytes, ulong vmTime) =>
        sizeBytes == 8 ? ulong.MaxValue : (1ul << (8 * sizeBytes)) - 1;

    public void WriteMmio(Gpa address, int sizeBytes, ulong value, ulong vmTime)
    {
    }

    public byte AcknowledgeExternalInterrupt() =>
        throw new InvalidOperationException("Expected an external interrupt to acknowledge, found none.");

    public void Send(int sender, InterruptMessage message)
    {
    }

    public void EndOfInterrupt(byte vector)
    {
    }

    public void ClocksChanged(ulong vmTime)
    {
    }

    public void WallClockAsked(ulong register)
    {
    }
}
