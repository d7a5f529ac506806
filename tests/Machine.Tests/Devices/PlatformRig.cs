// SPDX-License-Identifier: Apache-2.0

using System.Buffers;
using KvmActors.Cpu.Apic;
using KvmActors.Machine.Devices;

namespace KvmActors.Machine.Tests.Devices;

/// <summary>A platform with short words for what a guest does to it.</summary>
internal sealed class PlatformRig
{
    /// <summary>2026-01-01 00:00:00 UTC, a Thursday.</summary>
    public const long RtcStart = 1_767_225_600;

    public const ulong Second = 1_000_000_000;

    public PlatformRig(ulong memoryBytes = 256 << 20, int vcpuCount = 2) => Platform =
        new Platform(new PlatformOptions(memoryBytes, vcpuCount, RtcStart), Console, Messages.Add);

    public Platform Platform { get; }

    public ArrayBufferWriter<byte> Console { get; } = new();

    public List<InterruptMessage> Messages { get; } = [];

    public ulong Now => Platform.Clock.VmTime;

    public void GoTo(ulong vmTime)
    {
        Platform.Clock.VmTime = vmTime;
        Platform.Advance();
    }

    public void Pass(ulong ticks) => GoTo(Now + ticks);

    public uint In(ushort port) => Platform.Bus.Read(port, sizeBytes: 1);

    public void Out(ushort port, uint value) => Platform.Bus.Write(port, sizeBytes: 1, value);

    /// <summary>What BIOS and Linux do: master vectors from <paramref name="vectorBase"/>, slave's behind them, nothing
    /// masked.</summary>
    public void InitializePics(byte vectorBase = 0x20, byte icw4 = 0x01)
    {
        foreach ((ushort port, byte vectors, byte cascade) in
            new (ushort, byte, byte)[] { (0x20, vectorBase, 0x04), (0xA0, (byte)(vectorBase + 8), 0x02) })
        {
            Out(port, 0x11);
            Out((ushort)(port + 1), vectors);
            Out((ushort)(port + 1), cascade);
            Out((ushort)(port + 1), icw4);
        }
    }

    public uint IoApicRead(byte register)
    {
        Platform.WriteMmio(IoApic.FirstGpa, 4, register);
        return (uint)Platform.ReadMmio(IoApic.FirstGpa + 0x10, 4);
    }

    public void IoApicWrite(byte register, uint value)
    {
        Platform.WriteMmio(IoApic.FirstGpa, 4, register);
        Platform.WriteMmio(IoApic.FirstGpa + 0x10, 4, value);
    }

    public byte RtcRead(byte register)
    {
        Out(0x70, register);
        return (byte)In(0x71);
    }

    public void RtcWrite(byte register, byte value)
    {
        Out(0x70, register);
        Out(0x71, value);
    }

    /// <summary>A line of the test device.</summary>
    public void Line(int line, bool level) => Out((ushort)(0x2000 + line), level ? 1u : 0);
}
