// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Apic;

namespace KvmActors.Cpu.Tests.Paravirtual;

/// <summary>A bus with nothing on it that notes what is said about clocks.</summary>
internal sealed class RecordingBus : IVcpuBus
{
    public List<string> Said { get; } = [];

    public bool HasExternalInterrupt => false;

    public ulong ReadMmio(Gpa address, int sizeBytes, ulong vmTime) => 0;

    public void WriteMmio(Gpa address, int sizeBytes, ulong value, ulong vmTime) => Said.Add($"MMIO {address}");

    public byte AcknowledgeExternalInterrupt() => throw new InvalidOperationException("No interrupt waits.");

    public void Send(int sender, InterruptMessage message) => Said.Add($"send {message}");

    public void EndOfInterrupt(byte vector) => Said.Add($"end of {vector}");

    public void ClocksChanged(ulong vmTime) => Said.Add($"clocks at {vmTime}");

    public void WallClockAsked(ulong register) => Said.Add($"wall clock to 0x{register:x}");
}
